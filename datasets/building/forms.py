"""Annotation forms: the ways in which a benchmark is distributed, each found by itself and then joined by sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from evalkit.datasets.building.annotations import boxes_reader
from evalkit.datasets.building.folders import file_stems, match_names
from evalkit.errors import EvalkitError
from evalkit.types import Annotation, Frames
from evalkit.types import Sequence as Video


@dataclass(frozen=True)
class Source:
    """One sequence in one annotation form.

    All fields but ``where`` become those of ``evalkit.types.Sequence``, where they are described.

    Attributes:
        where: The annotation file, for messages; two sources with the same path are the same one.
        read: Reads the annotation.
    """

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
    video: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


AnnotationForm: TypeAlias = Mapping[str, Source]
"""Sources by the exact name of the sequence in the benchmark, whatever the spelling on disk."""

_OPTIONAL = tuple(one.name for one in fields(Source) if one.name not in ("where", "read"))
_UNKNOWN: tuple[object, ...] = (None, frozenset(), 0, (), {})


def text_file_form(folder: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources of a folder with one ``<sequence>.txt`` of boxes per sequence; other files are ignored.

    Args:
        folder: A folder without such files gives an empty form; it need not exist.
        names: Names of all sequences of the benchmark.

    Raises:
        EvalkitError: Two files could be the same sequence.
    """
    stems = match_names(names, file_stems(folder, ".txt"), where=folder)
    paths = {name: folder / f"{stem}.txt" for name, stem in stems.items()}
    return {name: Source(path, boxes_reader(path)) for name, path in paths.items()}


def join_forms(names: Iterable[str], forms: Sequence[AnnotationForm]) -> tuple[Video, ...]:
    """Return the sequences that any form contains, in the order of the names.

    A sequence is read by the first form that has it. Values that this form does not have (frames, attributes, size,
    ...) come from the others. Where several forms have a sequence, reading its annotation reads and compares them all.

    Args:
        names: Names of all sequences of the benchmark, in order.
        forms: In order of precedence.

    Reading an annotation raises ``EvalkitError`` where two forms disagree by more than 0.01 pixels.
    """
    videos = []
    for name in names:
        # One file can be found by two forms; it is one source.
        sources = {form[name].where: form[name] for form in reversed(forms) if name in form}
        if sources:
            videos.append(_joined(name, list(sources.values())[::-1]))
    return tuple(videos)


def _joined(name: str, sources: Sequence[Source]) -> Video:
    read = sources[0].read if len(sources) == 1 else lambda: _read_and_compare(sources)
    return Video(name=name, read=read, **{attribute: _first_known(sources, attribute) for attribute in _OPTIONAL})


def _first_known(sources: Sequence[Source], attribute: str) -> Any:
    if len(sources) == 1:
        return getattr(sources[0], attribute)
    values = [getattr(source, attribute) for source in sources]
    return next((value for value in values if value not in _UNKNOWN), values[0])


def _read_and_compare(sources: Sequence[Source]) -> Annotation:
    annotation, *others = [source.read() for source in sources]
    for other, source in zip(others, sources[1:], strict=True):
        difference = _difference(annotation, other)
        if difference:
            raise EvalkitError(
                f"two annotations of one sequence disagree: {difference}",
                where=f"{sources[0].where} and {source.where}", hint="Give the folder of the right one with --data",
            )  # fmt: skip
    return annotation


def _difference(a: Annotation, b: Annotation) -> str | None:
    if len(a.boxes) != len(b.boxes):
        return f"{len(a.boxes)} and {len(b.boxes)} rows"
    same = np.isclose(a.boxes, b.boxes, rtol=0, atol=0.01, equal_nan=True).all(axis=1)
    return None if same.all() else f"row {int(np.argmin(same)) + 1}"
