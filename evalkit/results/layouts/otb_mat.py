"""``<seq>_<tracker>.mat``: results of OTB's MATLAB toolkit, a list of one segment.

A bare matrix ``result``, as MDNet published its results, is read as well. Source: OTB's MATLAB toolkit.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import registry
from evalkit.errors import DamagedResults
from evalkit.io.atomic import write_bytes
from evalkit.io.rows import read_bytes
from evalkit.names import canonical
from evalkit.results.layouts._matfile import read_mat
from evalkit.results.layouts._otb_segments import segment_of, trajectories_of
from evalkit.results.layouts.base import WritableLayout, existing, find_file, list_names
from evalkit.types import Sequence, Trajectory

_SUFFIX = ".mat"


@registry.layout("otb-mat", summary="<seq>_<tracker>.mat with `res` and `type`: OTB's MATLAB toolkit")
class OtbMat(WritableLayout):
    """A file with one segment for each sequence and tracker. Times of single frames and confidences are not stored.

    Args:
        tracker: Name of the tracker whose files are read, where a folder holds files of several; that of the folder
            if None.
    """

    def __init__(self, tracker: str | None = None) -> None:
        self._tracker = tracker

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        from scipy.io import savemat

        path = folder / f"{trajectory.sequence}_{folder.name}{_SUFFIX}"
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = segment_of(trajectory, path)
        stream: Any = io.BytesIO()  # the stubs of scipy accept file names only
        savemat(stream, {"results": cell}, do_compression=True)
        write_bytes(path, stream.getvalue())

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        path = _find(folder, sequence, self._tracker or folder.name) if protocol == "one_pass" else None
        return trajectories_of(_load(path), folder, sequence, path) if path else []

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return repetition == 1 and (folder / f"{sequence.name}_{folder.name}{_SUFFIX}").is_file()

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        return existing(folder / f"{sequence}_{folder.name}{_SUFFIX}")


def _find(folder: Path, sequence: Sequence, tracker: str) -> Path | None:
    """Return the file of a sequence and a tracker; without the tracker's files, that of the folder's only tracker.

    Raises:
        DamagedResults: Files of several other trackers could be meant.
    """
    own = find_file(folder, sequence, f"_{tracker}{_SUFFIX}") or find_file(folder, sequence, _SUFFIX)
    if own is not None:
        return own
    return _file_of_only_tracker(folder, sequence, tracker)


def _file_of_only_tracker(folder: Path, sequence: Sequence, tracker: str) -> Path | None:
    ends = Counter(name.removesuffix(_SUFFIX).rpartition("_")[2] for name in list_names(folder, suffix=_SUFFIX))
    own = [end for end in ends if canonical(end) == canonical(tracker)]
    paths = {end: path for end in own or ends if (path := find_file(folder, sequence, f"_{end}{_SUFFIX}")) is not None}
    if len(paths) > 1:
        raise DamagedResults(
            f"several files could be the result of {sequence.name}", where=folder,
            found=", ".join(path.name for path in paths.values()),
            hint="Name the tracker as in <seq>_<tracker>.mat, by the folder or with --name",
        )  # fmt: skip
    end = next(iter(paths), None)
    return paths[end] if end is not None and (own or _is_tracker(end, ends)) else None


def _is_tracker(end: str, ends: Counter[str]) -> bool:
    """Return whether the end of a file's name is a tracker's, not the end of a sequence's name (``bike_big.mat``)."""
    return ends[end] > 1 and not end.isdecimal()


def _load(path: Path) -> Any:
    content = read_mat(read_bytes(path), path)
    if "results" in content:
        return content["results"]
    if "result" in content:
        return {"res": content["result"], "type": "rect"}
    names = ", ".join(sorted(content))
    raise DamagedResults("the file holds neither `results` nor `result`", where=path, found=names or "nothing")
