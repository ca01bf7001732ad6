"""Images that were written for a program are removed also where evalkit is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.trackers._program.image_files import ImageFiles
from evalkit.trackers._program.process import Command, Process, ProgramEnded

CODE = """
import os, signal
import numpy as np
from evalkit.trackers._program.image_files import ImageFiles

files = ImageFiles()
print(files.write(np.zeros((4, 4, 3), np.uint8), 1), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="locks of files are not tested there")
def test_images_of_a_killed_run_are_removed_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=False)
    image = Path(done.stdout.strip())
    assert done.returncode == -signal.SIGKILL and image.is_file() and image.is_relative_to(tmp_path), done.stderr
    for lock in tmp_path.rglob(".in-use"):
        os.utime(lock, (0, 0))
    with temporary_folder() as folder:
        assert not image.exists() and folder.is_dir()


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
def test_a_program_that_a_signal_without_a_name_ends_is_reported() -> None:
    process = Process(Command((sys.executable, "-c", f"import os; os.kill(os.getpid(), {signal.SIGRTMIN + 5})")))
    with pytest.raises(ProgramEnded, match=f"killed by signal {signal.SIGRTMIN + 5}"):
        process.read_line(30)


def test_an_image_that_cannot_be_written_is_an_error() -> None:
    files = ImageFiles()
    shutil.rmtree(files.write(np.zeros((4, 4, 3), np.uint8), 1).parent)
    with pytest.raises(EvalkitError, match="cannot be written"):
        files.write(np.zeros((4, 4, 3), np.uint8), 2)
