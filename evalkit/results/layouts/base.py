"""Common parts of result layouts: the interface, finding files by a sequence's name, columns of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.results.layouts._columns import (
    read_column,
    read_time_table,
    write_column,
    write_time_table,
    write_value_file,
)
from evalkit.results.layouts._files import find_file, find_folder, find_numbered_files, list_names
from evalkit.types import Boxes, FrameState, Sequence, Trajectory

__all__ = [
    "Layout",
    "ListsFiles",
    "WritableLayout",
    "boxes_last",
    "drop_omitted_rows",
    "existing",
    "expected_rows",
    "files_in",
    "find_file",
    "find_folder",
    "find_numbered_files",
    "is_time_file",
    "list_names",
    "numbered_folders",
    "one_pass_trajectory",
    "protocol_folder",
    "read_column",
    "read_time_table",
    "refuse_anchors",
    "refuse_other_protocols",
    "write_column",
    "write_time_table",
    "write_value_file",
]


@runtime_checkable
class Layout(Protocol):
    """One way to name and write the result files of a tracker on a benchmark."""

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        """Read all repetitions, or all anchors, of a sequence.

        Args:
            folder: The tracker's folder; it need not exist.
            sequence: Its files may have its name in another spelling, see ``find_file``.
            protocol: Name of the protocol whose trajectories are read.

        Returns:
            Trajectories with boxes and regions in the coordinates of the file; none if there are no files.

        Raises:
            EvalkitError: A file of the sequence exists but cannot be read.
        """


@runtime_checkable
class WritableLayout(Layout, Protocol):
    """A layout that trajectories can be written in."""

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        """Store a trajectory: times and confidences first if the layout has a place for them, then the boxes.

        Raises:
            EvalkitError: The folder cannot be written to, or the layout cannot hold this trajectory.
        """

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        """Return whether one repetition of a sequence is completely stored, with all its anchors."""


@runtime_checkable
class ListsFiles(Protocol):
    """A layout that names the files it has written."""

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        """Return the files of a sequence, in every repetition, and none of another sequence.

        ``evalkit run --force --sequences`` deletes them. Of layouts without this method, files are deleted that have
        the sequence's name, or are in a folder that has it.
        """


def numbered_folders(folder: Path, pattern: str) -> list[Path]:
    """Return the folders inside ``folder`` whose name matches a pattern of ``Path.glob``, sorted."""
    return sorted(path for path in folder.glob(pattern) if path.is_dir())


def existing(*paths: Path) -> list[Path]:
    """Return those paths that are files."""
    return [path for path in paths if path.is_file()]


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder that one sequence has for itself; none if there is no folder."""
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def protocol_folder(folder: Path, protocol: str) -> Path:
    """Return the folder of a protocol's results: the tracker's own for ``one_pass``, else one inside of it."""
    return folder if protocol == "one_pass" else folder / protocol


def one_pass_trajectory(
    folder: Path,
    sequence: Sequence,
    protocol: str,
    boxes: Boxes,
    *,
    seconds: NDArray[np.float64] | None = None,
    confidence: NDArray[np.float64] | None = None,
    repetition: int = 1,
) -> Trajectory:
    """Return the trajectory of a tracker that was initialised on the first row only.

    Args:
        folder: The tracker's folder, whose name becomes the tracker's.
        boxes: Shape (N, 4), in the coordinates of the file; NaN rows where there is no answer.
        seconds: Shape (N,); None where times are unknown.
        confidence: Shape (N,); None where confidences are unknown.
        repetition: Counted from 1.
    """
    count = len(boxes)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    states[:1] = FrameState.INITIALIZED
    unknown = np.full(count, np.nan)
    return Trajectory(
        tracker=folder.name,
        sequence=sequence.name,
        protocol=protocol,
        boxes=boxes,
        regions=None,
        confidence=unknown if confidence is None else confidence,
        seconds=unknown if seconds is None else seconds,
        states=states,
        repetition=repetition,
    )


def expected_rows(sequence: Sequence, trajectory: Trajectory) -> int:
    """Return the number of rows of a complete trajectory; -1 if the sequence has no such anchor."""
    anchors, anchor = sequence.annotation.anchors, trajectory.anchor
    if anchor is None or anchors is None:
        return len(sequence)
    if anchor >= len(anchors) or anchors[anchor] == 0:
        return -1
    return len(sequence) - anchor if anchors[anchor] > 0 else anchor + 1


def drop_omitted_rows(sequence: Sequence, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of the evaluated frames, where a file also has those before them (``Sequence.omitted_rows``).

    Only a file exactly as long as the whole video is changed.
    """
    omitted = sequence.omitted_rows
    return rows[omitted:] if omitted and len(rows) == len(sequence) + omitted else rows


def boxes_last(name: Path) -> tuple[bool, Path]:
    """Sort key of files that are copied together: files of times and confidences before files of boxes.

    A sequence whose boxes exist counts as complete, so that an interrupted copy must not have copied only them.
    """
    supplement = is_time_file(name) or name.parent.name == "confidence" or name.suffix == ".value"
    return not supplement, name


def is_time_file(name: Path) -> bool:
    """Return whether a file of a result folder holds times, by its name."""
    return name.parent.name == "times" or name.stem.endswith("_time")


def refuse_anchors(trajectory: Trajectory, place: Path) -> None:
    """Raise an error for a run from an anchor, in layouts that can only hold runs from the first frame.

    Raises:
        EvalkitError: The trajectory has an anchor.
    """
    if trajectory.anchor is not None:
        raise EvalkitError("this layout cannot hold runs from anchors", where=place, hint="Use the layout `vot`")


def refuse_other_protocols(trajectory: Trajectory, place: Path) -> None:
    """Raise an error for a protocol other than ``one_pass``, in layouts that have no folder for others.

    Raises:
        EvalkitError: The trajectory is of another protocol.
    """
    if trajectory.protocol != "one_pass":
        raise EvalkitError(
            "this layout can only hold results of the one-pass protocol", where=place, found=trajectory.protocol,
            hint="Use the layout `vot`, or the benchmark's own",
        )  # fmt: skip
