"""Networks without a tracker: a module with example inputs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from own_networks import CONV, LINEAR, profile, values

import evalkit
from evalkit.cost.exporting import export_tracker
from evalkit.errors import EvalkitError

pytestmark = pytest.mark.usefixtures("own_networks")


def test_the_manifest_of_a_bare_network_says_plainly_what_is_not_known(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export = partial(export_tracker, runtime="onnxruntime")
    usage = export("network:nets.py:module", output=tmp_path / "one")["usage"]
    image = usage["parts"]["network"]["inputs"]["x"]
    assert (image["colours"], image["normalisation"], image["range"]) == ("unknown", "unknown", "unknown")
    assert "How the outputs become a box is not known" in usage["note"]
    stated = export("network:nets.py:stating", output=tmp_path / "two")
    assert stated["usage"]["parts"]["network"]["inputs"]["x"]["colours"] == "RGB"
    (part,) = stated["parts"]
    assert (part["batch"], part["inputs"][0]["shape"]) == ("fixed", [2, 3, 32, 32])


def test_a_usage_that_is_no_dict_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvalkitError, match=r"usage\['inputs'\]\['x'\]: .* is not a dict .found str"):
        export_tracker("network:nets.py:misstating", runtime="onnxruntime", output=tmp_path / "out")


@pytest.mark.parametrize("name", ["module", "Lightning", "ready"])
def test_a_bare_network_is_counted_and_timed(name: str) -> None:
    found = values(profile(f"network:nets.py:{name}"))
    assert found["macs", "all"] == CONV + LINEAR
    assert found["parameters", "distinct"] == 8 * 27 + 8 + LINEAR + 4 + 9
    assert found["fps", "network"] is not None


def test_a_batch_in_the_example_is_kept() -> None:
    (macs,) = [one for one in profile("network:nets.py:stating") if (one.quantity, one.convention) == ("macs", "conv")]
    assert (macs.value, macs.input) == (2 * CONV, "2x3x32x32")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("network:nets.py:without_inputs", "no example inputs.*Return .module, example_inputs. from the factory"),
        ("network:nets.py:wrong_inputs", "does not accept its example inputs.*found 1x5x32x32"),
        ("network:nets.py:no_module", "did not return a network .found str"),
        ("network:nets.py:failing", "building it fails with ValueError: no checkpoint"),
        ("network:nets.py:nothing", "does not define 'nothing'"),
        ("network:nets", "no network is named.*network:path/to/model.onnx"),
        ("network:none.onnx", "no such file"),
        ("network:broken.onnx", "ONNX Runtime cannot read this file"),
        ("nets.py:module", "not a tracker.*`evalkit profile --tracker network:nets.py:module` takes a network"),
    ],
)
def test_a_wrong_network_is_an_error_that_says_what_is_right(name: str, complaint: str) -> None:
    pytest.importorskip("onnxruntime")
    Path("broken.onnx").write_bytes(b"no graph")
    with pytest.raises(EvalkitError, match=complaint):
        profile(name)


def test_a_network_alone_does_not_track() -> None:
    with pytest.raises(EvalkitError, match=r"a network alone does not track.*`evalkit profile` and `evalkit export`"):
        evalkit.run("network:nets.py:module", sequences=["scale"])


def test_requests_that_a_bare_network_cannot_meet_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvalkitError, match="int8 needs inputs of a video"):
        export_tracker("network:nets.py:module", runtime="onnxruntime", precision="int8", output=tmp_path / "out")
    export_tracker("network:nets.py:module", runtime="onnxruntime", output=tmp_path / "out")
    file = tmp_path / "out" / "network" / "network.onnx"
    with pytest.raises(EvalkitError, match=r"does not read ONNX files .*expected onnxruntime, openvino"):
        profile(f"network:{file}", "torch-compile")
    with pytest.raises(EvalkitError, match="an ONNX file cannot be converted"):
        export_tracker(f"network:{file}", runtime="onnxruntime", output=tmp_path / "again")
