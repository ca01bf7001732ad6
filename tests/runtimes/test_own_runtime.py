"""A runtime in one file outside the package: given by its path, or installed through an entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import registry
from evalkit.cli import main
from evalkit.errors import EvalkitError
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import create_adapter

ROOT = Path(__file__).resolve().parents[2]

TRACKER = '''
import numpy as np
import torch
from evalkit import runtimes
from evalkit.geometry import bounding_box
from evalkit.types import Box, Execution, NetworkPart, Prediction


class Tiny:
    """Moves its box by what one linear layer returns for the mean colour of the frame."""

    def __init__(self, runtime="torch", precision="fp32", device="cpu", threads=1):
        torch.manual_seed(0)
        part = NetworkPart(
            "search", torch.nn.Linear(3, 2).eval(), (np.zeros((1, 3), np.float32),), ("colour",), ("move",)
        )
        self.network = runtimes.load(part, Execution(runtime, precision, device, threads))
        self.card = {"runtime": runtime}
        self._part = part

    def initialize(self, image, region):
        self.box = bounding_box(region)

    def crop(self, image):
        return (image.mean(axis=(0, 1), dtype=np.float32)[None] / 255,)

    def locate(self, response):
        dx, dy = response[0][0].tolist()
        self.box = Box(self.box.x + dx, self.box.y + dy, self.box.width, self.box.height)
        return Prediction(self.box)

    def update(self, image):
        return self.locate(self.network(*self.crop(image)))

    def sibling(self):
        return self

    def parts(self):
        return (self._part,)
'''

RUNTIMES = """
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from evalkit import registry


@registry.runtime("threaded", summary="the module in a thread of its own")
class Threaded:
    def start(self, part, execution):
        import torch

        pool = ThreadPoolExecutor(1)

        def forward(*inputs):
            with torch.inference_mode():
                return (part.module(*(torch.from_numpy(value) for value in inputs)).numpy(),)

        return lambda *inputs: pool.submit(forward, *inputs).result()


@registry.runtime("numpy", summary="one linear layer in NumPy", format="npz")
class Numpy:
    def export(self, part, folder, *, precision, samples):
        weights = {name: value.numpy() for name, value in part.module.state_dict().items()}
        np.savez(folder / "weights.npz", **weights)
        return True

    def start(self, part, folder, execution):
        weights = np.load(folder / "weights.npz")
        weight, bias = weights["weight"], weights["bias"]
        return lambda colour: (colour @ weight.T + bias,)


@registry.runtime("wrong", summary="adds 0.1 to every output")
class Wrong(Threaded):
    def start(self, part, execution):
        execute = super().start(part, execution)
        return lambda *inputs: tuple(value + np.float32(0.1) for value in execute(*inputs))


class Undecorated:
    pass
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that commands run in, with the tracker and the runtimes; what the files register is removed later."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tiny.py").write_text(TRACKER)
    (tmp_path / "mine.py").write_text(RUNTIMES)
    with registry.runtime.temporarily():
        yield tmp_path


def evalkit(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a command in this process."""
    text = StringIO()
    with redirect_stdout(text), redirect_stderr(text), pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0), text.getvalue()


def run(*arguments: str) -> tuple[int, str]:
    return evalkit("run", "--tracker", "tiny.py:Tiny", "--sequences", "scale", *arguments)


def boxes(folder: Path, label: str) -> np.ndarray:
    return np.loadtxt(folder / "results" / "synthetic" / label / "scale.txt", delimiter=",")


def identity(folder: Path, label: str) -> dict[str, Any]:
    path = folder / "results" / "synthetic" / label / "run.json"
    return dict(json.loads(path.read_text())["identity"])


@pytest.mark.parametrize("name", ["threaded", "numpy"])
def test_a_run_with_a_runtime_in_a_file_is_stored_under_its_registered_name(files: Path, name: str) -> None:
    code, text = run("--runtime", f"mine.py:{name.title()}")
    assert code == 0, text
    assert identity(files, f"Tiny@{name}")["runtime"] == name
    assert identity(files, f"Tiny@{name}")["card"]["runtime"] == name
    assert run()[0] == 0
    np.testing.assert_allclose(boxes(files, f"Tiny@{name}"), boxes(files, "Tiny"), rtol=0, atol=1e-3)


def test_worker_processes_load_the_file_too(files: Path) -> None:
    code, text = evalkit(
        "run", "--tracker", "tiny.py:Tiny", "--sequences", "scale,blur", "--runtime", "mine.py:Threaded", "--jobs", "2"
    )
    assert code == 0, text
    assert "Tiny@threaded" in text


def test_a_suite_names_the_file_relative_to_itself(files: Path) -> None:
    (files / "suites").mkdir()
    text = """
[gates]
latency = false

[[tracker]]
name = "../tiny.py:Tiny"
runtimes = ["../mine.py:Threaded"]

[[dataset]]
name = "synthetic"
sequences = ["scale"]
"""
    (files / "suites" / "mine.toml").write_text(text)
    code, text = evalkit("regress", "suites/mine.toml", "--update", "--reason", "first")
    assert code == 0, text
    baseline = json.loads((files / "suites" / "mine.json").read_text())
    assert "Tiny@threaded" in json.dumps(baseline)
    assert evalkit("regress", "suites/mine.toml")[0] == 0


def test_an_edited_runtime_is_other_code(files: Path) -> None:
    from evalkit.engine.code_fingerprint import fingerprint

    assert fingerprint("tiny.py:Tiny") == fingerprint("tiny.py:Tiny", "onnxruntime")
    before = fingerprint("tiny.py:Tiny", "mine.py:Threaded")
    (files / "mine.py").write_text(RUNTIMES + "\n# another line\n")
    assert fingerprint("tiny.py:Tiny", "mine.py:Threaded") != before


def test_a_profile_compares_a_runtime_in_a_file_with_torch(files: Path) -> None:
    code, text = evalkit(
        "profile", "--tracker", "tiny.py:Tiny", "--runtime", "torch", "--runtime", "mine.py:Threaded",
        "--format", "json",
    )  # fmt: skip
    assert code == 0, text
    records = [record for record in json.loads(text[text.index("{") :])["records"] if record["runtime"] == "threaded"]
    values = {record["quantity"]: record["value"] for record in records if record["convention"] != "decode"}
    assert values["cpu_speedup"] > 0
    assert values["parity"] < 1e-4


def test_a_runtime_with_a_format_exports_and_an_edited_one_exports_again(files: Path) -> None:
    code, text = evalkit("export", "--tracker", "tiny.py:Tiny", "--runtime", "mine.py:Numpy", "--output", "out")
    assert code == 0, text
    manifest = json.loads((files / "out" / "manifest.json").read_text())
    assert manifest["runtime"] == "numpy"
    assert list(manifest["parts"][0]["files"]) == ["weights.npz"]
    assert len(list((files / "cache" / "exports").iterdir())) == 1
    (files / "mine.py").write_text(RUNTIMES + "\n# another line\n")
    assert evalkit("export", "--tracker", "tiny.py:Tiny", "--runtime", "mine.py:Numpy", "--output", "out")[0] == 0
    assert len(list((files / "cache" / "exports").iterdir())) == 2


def test_a_runtime_whose_outputs_differ_from_torchs_is_rejected(files: Path) -> None:
    code, text = run("--runtime", "mine.py:Wrong")
    assert code == 1, text
    assert "wrong fp32, search network: the network differs from torch in its output 'move'" in text


def test_a_class_that_is_not_registered_is_explained(files: Path) -> None:
    code, text = run("--runtime", "mine.py:Undecorated")
    assert code == 2
    assert 'Decorate it with @registry.runtime("NAME"' in text


def test_an_adapter_without_its_methods_is_explained() -> None:
    class Nothing:
        pass

    class Starts:
        def start(self, part: Any, execution: Any) -> Any: ...

    with pytest.raises(EvalkitError, match=r"nothing: the adapter has no method 'start' .found Nothing"):
        create_adapter(RuntimeEntry("nothing", Nothing, ""))
    with pytest.raises(EvalkitError, match=r"has no method 'export' .found Starts, expected start and export"):
        create_adapter(RuntimeEntry("starts", Starts, "", format="npz"))


def test_an_unknown_precision_is_an_error_of_the_registration() -> None:
    with pytest.raises(ValueError, match=r"precisions of runtime 'four': .* got \['int4'\]"):
        RuntimeEntry("four", object, "", precisions=("fp32", "int4"))


def test_an_installed_runtime_is_listed_and_used_by_its_name(files: Path) -> None:
    site = files / "site"
    info = site / "mine-1.dist-info"
    info.mkdir(parents=True)
    (site / "my_runtimes.py").write_text(RUNTIMES)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[evalkit.runtimes]\nmine = my_runtimes\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def answer(*arguments: str) -> str:
        command = [sys.executable, "-m", "evalkit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    records = {
        record["name"]: record for record in json.loads(answer("list", "runtimes", "--format", "json"))["records"]
    }
    assert records["threaded"]["available"]
    assert records["threaded"]["precisions"] == ["fp32"]
    assert "Tiny@numpy" in answer("run", "--tracker", "tiny.py:Tiny", "--sequences", "scale", "--runtime", "numpy")
