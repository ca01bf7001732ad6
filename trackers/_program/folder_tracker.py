"""The folder protocol of the VOT toolkit (2026): a program gets a whole sequence as files and writes all its answers.

The working folder holds ``frames_color.txt``, one image file per line, and ``query_<ID>.txt``: the number of the
frame that the target is given in, counted from 0, and its region. The program writes ``output_<ID>.txt``, one region
per frame, and optionally ``output_<ID>_<VALUE>.txt``. Source: ``vot/tracker/folder.py`` of the toolkit 56f0053.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box
from evalkit.io.regions import format_record
from evalkit.io.temporary import temporary_folder
from evalkit.trackers import _inputs
from evalkit.trackers._program.image_files import ImageFiles
from evalkit.trackers._program.process import Command, GroupGuard, end_group
from evalkit.trackers._program.trax_messages import decode_region
from evalkit.types import FrameContext, Image, Prediction, Region

TARGET = "obj0"
HINT = "The program must write output_obj0.txt into its working folder: one region per frame, 0 where it has none"


class FolderTracker:
    """A tracker that is a program with the folder protocol.

    ``initialize`` runs the program on all frames that follow, ``update`` returns its answers one by one. The time of
    the whole sequence therefore counts at its first frame: frames per second are right, times of single frames are not.

    Args:
        command: How to start the program.
        properties: Named arguments of the query.
    """

    def __init__(self, command: Command, properties: Mapping[str, str]) -> None:
        # It is started in a temporary folder: files that it is given by relative paths have to be found from there.
        folder = command.folder or Path.cwd()
        words = tuple(str((folder / word).resolve()) if (folder / word).is_file() else word for word in command.words)
        environment = {"VOT_USE_TRAX": "0", **command.environment}
        self._command = replace(command, words=words, environment=environment)
        self._properties = properties
        self._images: ImageFiles | None = None
        self._files: list[Path] = []
        self._answers: Iterator[Prediction] = iter(())
        self.card: Mapping[str, Any] = {
            "program": str(command), "settings": dict(properties), "protocol": "VOT folder",
        }  # fmt: skip

    def before_frame(self, context: FrameContext) -> None:
        """Write the frames for which the benchmark has no files, outside of the clock.

        Raises:
            EvalkitError: The sequence has no frames, or one cannot be read.
        """
        if context.starts:
            frames = context.sequence.frames
            if frames is None:
                raise EvalkitError("there are no frames", where=context.sequence.name)
            self._images = images = ImageFiles()  # which are deleted with it
            self._files = [
                context.file_of(one) or images.write(_inputs.as_rgb(frames[one]), one) for one in context.order
            ]

    def initialize(self, image: Image, region: Region) -> None:
        """Run the program on this frame and all that follow.

        Raises:
            EvalkitError: It fails, or its answers are missing or not one per frame.
        """
        _inputs.start_box(region)  # rejects a region without area
        if not self._files:
            raise self._command.error(
                "a program with the folder protocol needs whole sequences", "single frames",
                "Use `evalkit run`, or the TraX protocol",
            )  # fmt: skip
        with temporary_folder() as folder:
            self._write_input(folder, region)
            self._run(folder, len(self._files))
            answers = self._read_output(folder, len(self._files))
        self._answers = iter(answers[1:])

    def update(self, image: Image) -> Prediction:
        """Return the program's answer for the next frame."""
        return next(self._answers)

    def _write_input(self, folder: Path, region: Region) -> None:
        (folder / "frames_color.txt").write_text("".join(f"{path}\n" for path in self._files), encoding="utf-8")
        named = "".join(f"{key}={value}\n" for key, value in self._properties.items())
        query = f"0\n{format_record(bounding_box(region))}\n{named}"
        (folder / f"query_{TARGET}.txt").write_text(query, encoding="utf-8")

    def _run(self, folder: Path, frames: int) -> None:
        limit = self._command.timeout * frames  # the toolkit's rule
        try:
            process = subprocess.Popen(  # noqa: S603
                self._command.words, cwd=folder, env={**os.environ, **self._command.environment},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise self._command.error(f"the program cannot be started: {error.strerror}", "nothing", HINT) from None
        guard = GroupGuard(process.pid)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise self._command.error(
                f"the program took more than {limit:g} s for {frames} frames and was ended", "no output",
                "Allow more time per frame with --set timeout=SECONDS",
            ) from None  # fmt: skip
        finally:
            end_group(process, guard=guard)
            if process.stdout is not None:
                process.stdout.close()
        if process.returncode != 0:
            last = output.decode(errors="replace").strip()[-600:]
            raise self._command.error(f"the program failed with exit code {process.returncode}", last, HINT)

    def _read_output(self, folder: Path, frames: int) -> list[Prediction]:
        path = folder / f"output_{TARGET}.txt"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            found = ", ".join(sorted(one.name for one in folder.iterdir()))
            raise self._command.error(f"the program wrote no readable {path.name}", found, HINT) from None
        if len(lines) != frames:
            raise self._command.error(
                f"{path.name} has not one row per frame", f"{len(lines)} rows, {frames} frames", HINT
            )
        scores = self._confidences(folder, frames)
        return [
            Prediction(self._region(line, f"{path.name}:{row}"), score)
            for row, (line, score) in enumerate(zip(lines, scores, strict=True), 1)
        ]

    def _region(self, line: str, where: str) -> Region | None:
        try:
            return decode_region(line)
        except EvalkitError:
            raise self._command.error(f"{where} is not a region", line[:200], HINT) from None

    def _confidences(self, folder: Path, frames: int) -> list[float]:
        try:
            values = (folder / f"output_{TARGET}_confidence.txt").read_text(encoding="utf-8").split()
            numbers = [float(value) for value in values]
        except (OSError, ValueError):
            numbers = []
        return numbers if len(numbers) == frames else [math.nan] * frames
