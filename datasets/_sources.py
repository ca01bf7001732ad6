"""Where a benchmark's sequences come from: one or several forms in one place, put together by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.datasets._images import FolderImages
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_bytes, read_rows, text_lines
from evalkit.names import canonical
from evalkit.types import Annotation, Boxes, Frames
from evalkit.types import Sequence as Video

FACTS = Path(__file__).parent / "_facts"


@dataclass(frozen=True)
class Source:
    """One sequence as one form offers it; the fields are those of ``Sequence``."""

    where: Path
    read: Callable[[], Annotation]
    frames: Frames | None = None
    attributes: frozenset[str] = frozenset()
    fps: float | None = None
    size: tuple[int, int] | None = None
    language: str | None = None
    official_rows: int | None = None
    omitted_rows: int = 0
    other_names: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


Form = Mapping[str, Source]
"""By a key of the sequence's name: ``canonical``, or the name itself where the case of a letter matters."""

Key = Callable[[str], str]


@cache
def facts(benchmark: str) -> Any:
    """What ``_facts/<benchmark>.json`` says."""
    return json.loads((FACTS / f"{benchmark}.json").read_text(encoding="utf-8"))


def places(root: Path | None, directories: Iterable[str], *, benchmark: str) -> list[Path]:
    """The given folder, and those in it that usually hold the benchmark; none where a json index was given.

    Raises:
        EvalkitError: No folder was given, or it is neither.
    """
    if root is None:
        raise EvalkitError(
            f"nobody said where {benchmark} is",
            hint="Give its folder, or the folder that holds it, with --data, $EVALKIT_DATA or the configuration file",
        )
    if root.is_file() and root.suffix == ".json":
        return []
    if not root.is_dir():
        raise EvalkitError(
            "this is not a folder",
            where=root,
            hint=f"--data names the folder that holds {benchmark}, or its .json index",
        )
    usual = {name.casefold() for name in directories}
    return [root, *sorted(path for path in root.iterdir() if path.name.casefold() in usual and path.is_dir())]


def own_list(folders: Iterable[Path], file: str, official: Iterable[str]) -> list[str]:
    """The sequences a benchmark consists of: the official ones, unless the folder's own list names others.

    A list that names some of the official ones is a part of the benchmark and does not change what is expected.
    """
    names = list(official)
    for folder in folders:
        path = folder / file
        if path.is_file():
            listed = [line for line in text_lines(read_bytes(path), path) if line]
            if not set(listed) <= set(names):
                return listed
    return names


def assemble(names: Iterable[str], forms: Sequence[Form], *, key: Key = canonical) -> tuple[Video, ...]:
    """The sequences that any form has, in the given order, each from the first form that has it.

    Frames and facts that the first form lacks come from the others. Reading the annotation compares all forms.
    """
    videos = []
    for name in names:
        # One file can be found in two ways; it is one source.
        sources = list(
            {form[key(name)].where: form[key(name)] for form in reversed(forms) if key(name) in form}.values()
        )
        if sources:
            videos.append(_joined(name, sources[::-1]))
    return tuple(videos)


def _joined(name: str, sources: Sequence[Source]) -> Video:
    first = sources[0]

    def pick(attribute: str) -> Any:
        values = [getattr(source, attribute) for source in sources]
        return next((value for value in values if value is not None and value != frozenset()), values[0])

    return Video(
        name=name,
        read=first.read if len(sources) == 1 else lambda: _agreed(sources),
        frames=pick("frames"),
        attributes=pick("attributes"),
        fps=pick("fps"),
        size=pick("size"),
        language=pick("language"),
        official_rows=first.official_rows,
        omitted_rows=first.omitted_rows,
        other_names=first.other_names,
        meta=first.meta,
    )


def _agreed(sources: Sequence[Source]) -> Annotation:
    annotation, *others = [source.read() for source in sources]
    for other, source in zip(others, sources[1:], strict=True):
        problem = _difference(annotation, other)
        if problem:
            raise EvalkitError(
                f"two annotations of one sequence disagree: {problem}",
                where=f"{sources[0].where} and {source.where}", hint="Point --data at the one that is meant",
            )  # fmt: skip
    return annotation


def _difference(a: Annotation, b: Annotation) -> str | None:
    if len(a.boxes) != len(b.boxes):
        return f"{len(a.boxes)} and {len(b.boxes)} rows"
    same = np.isclose(a.boxes, b.boxes, rtol=0, atol=0.01, equal_nan=True).all(axis=1)
    return None if same.all() else f"row {int(np.argmin(same)) + 1}"


def boxes_reader(path: Path) -> Callable[[], Annotation]:
    """Reads a file of ``x,y,w,h`` rows."""
    return lambda: Annotation(filled(read_rows(path), path))


def filled(boxes: Any, where: object) -> Any:
    """The rows themselves.

    Raises:
        EvalkitError: There are none.
    """
    if len(boxes) == 0:
        raise EvalkitError("the annotation is empty", where=where)
    return boxes


def rows_form(folder: Path, names: Iterable[str], *, key: Key = canonical) -> Form:
    """A folder of ``<sequence>.txt``; files of other names are passed over."""
    files = {key(path.stem): path for path in folder.glob("*.txt")}
    return {key(name): Source(files[key(name)], boxes_reader(files[key(name)])) for name in names if key(name) in files}


def json_form(path: Path, names: Iterable[str]) -> Form:
    """A circulating index such as ``OTB2015.json``: ``gt_rect`` rows by sequence, of which only numbers are kept.

    Raises:
        EvalkitError: It is not such an index.
    """
    index = {canonical(name): entry for name, entry in read_index(path).items()}
    found = {}
    for name in names:
        key = canonical(name)
        if key in index:
            annotation = Annotation(index_boxes(index[key]["gt_rect"], f"{path}, {name}"))
            found[key] = Source(path, lambda annotation=annotation: annotation)  # type: ignore[misc]
    return found


def index_boxes(rows: Any, where: object) -> Boxes:
    """Shape (N, 4): the ``gt_rect`` rows of an index.

    Raises:
        EvalkitError: They are something else, or there are none.
    """
    try:
        boxes = np.array(filled(rows, where), dtype=np.float64)
    except (TypeError, ValueError):  # no list, of different lengths, or no numbers
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise EvalkitError("rows of x, y, width, height are expected", where=where, hint="Fetch this index again")
    return boxes


def index_files(root: Path | None, folders: Iterable[Path], directories: Iterable[str]) -> list[Path]:
    """The json file that was given, or those in the folders that are named as the benchmark's folders are."""
    if root is not None and root.is_file():
        return [root]
    usual = {name.casefold() for name in directories}
    return [path for folder in folders for path in sorted(folder.glob("*.json")) if path.stem.casefold() in usual]


def read_index(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of a json index by sequence.

    Raises:
        EvalkitError: It is damaged or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise EvalkitError(f"this index cannot be read: {error}", where=path, hint="Fetch it again") from error
    if not isinstance(content, dict) or not all(isinstance(e, dict) and "gt_rect" in e for e in content.values()):
        raise EvalkitError(
            "this is not an index of sequences with gt_rect", where=path,
            hint="It is the benchmark's own JSON that pysot publishes; --data may name a folder as well",
        )  # fmt: skip
    return content


def check_rows(found: int, official: int, where: Path, images: Path | None) -> None:
    """Accept the official number of rows, and in a tree of its own making one row per image.

    Raises:
        EvalkitError: It is neither.
    """
    if found != official and (images is None or len(FolderImages(images).names()) != found):
        raise EvalkitError(
            "the annotation has not as many rows as the benchmark's", where=where, found=found, expected=official,
            hint="Fetch this file again",
        )  # fmt: skip


def nothing_found(benchmark: str, root: Path | None, folders: Sequence[Path], expected: str) -> EvalkitError:
    """The error that says where was looked, for what, and what is there instead."""
    if not folders:
        return EvalkitError(f"no sequences of {benchmark} are here", where=root, expected=expected)
    entries = sorted({path.name for folder in folders for path in folder.iterdir() if not path.name.startswith(".")})
    listing = ", ".join(entries[:8]) + (f" and {len(entries) - 8} more" if len(entries) > 8 else "")
    return EvalkitError(
        f"no sequences of {benchmark} are here", where=", ".join(map(str, folders)), found=listing or "nothing",
        expected=expected, hint="Give the benchmark's own folder, or the folder that holds it, with --data",
    )  # fmt: skip
