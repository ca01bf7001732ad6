"""Results under an edited runtime or protocol of the user's own are those of another run."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from edited_trackers import Write
from own_protocol import SHIFTED_START

from evalkit import registry
from evalkit.api import run
from evalkit.errors import EvalkitError


@pytest.mark.parametrize("kind", ["identity", "own"])
def test_a_protocol_of_the_users_own(tracker: Write, folder: Path, kind: str) -> None:
    path = folder / "shifted_start.py"
    name = "identity" if kind == "identity" else tracker()
    options = {"name": "mine", "protocol": f"{path}:run_shifted_start"}
    with registry.protocol.temporarily():
        path.write_text(SHIFTED_START)
        run(name, "tiny", sequences="a", **options)
        run(name, "tiny", sequences=["a"], **options)
        path.write_text(SHIFTED_START.replace("4, 0)", "3, 0)"))
        with pytest.raises(
            EvalkitError, match=r"shifted_start\.py changed after these results were made.*--name.*--force"
        ):
            run(name, "tiny", sequences=["a", "b"], **options)
        run(name, "tiny", sequences=["a", "b"], force=True, **options)


RUNTIME = """
    from evalkit import registry

    @registry.runtime("mirror", summary="a runtime of the user's own")
    class Mirror:
        step = {step}
"""


@pytest.mark.parametrize("kind", ["builtin", "own"])
def test_a_runtime_of_the_users_own(tracker: Write, folder: Path, kind: str, monkeypatch) -> None:
    path = folder / "mirror.py"
    path.write_text(textwrap.dedent(RUNTIME).format(step=0))
    tracker(arguments=", runtime", build="self.step = 0")
    if kind == "builtin":  # a tracker of evalkit's that takes a runtime
        monkeypatch.setattr("evalkit.engine.work.is_own_code", lambda name: False)
        monkeypatch.setattr("evalkit.engine.tracker_files.is_own_code", lambda name: False)
    execution = {"runtime": f"{path}:Mirror"}
    name = f"{folder / 'mine.py'}:Mine"
    with registry.runtime.temporarily():
        run(name, "tiny", name="mine", sequences="a", **execution)
        run(name, "tiny", name="mine", sequences="a", **execution)
        path.write_text(textwrap.dedent(RUNTIME).format(step=1))
        with pytest.raises(EvalkitError, match=r"mirror\.py changed after these results were made.*--name.*--force"):
            run(name, "tiny", name="mine", sequences=["a", "b"], **execution)
