"""What a comparison consists of, before anyone decides whether it becomes a page, a paper's table or a workbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
        text: As it is shown.
        value: What it sorts by and what a spreadsheet stores; None for text.
        mark: ``best`` or ``second`` of its column, ``better`` or ``worse`` than another tracker, or nothing.
        series: Place of the tracker that the cell names, so that it wears the tracker's colour.
        cited: Whether somebody else printed the value; it is never marked best among measured ones.
        detail: What stands beside the value in small print: an interval, a difference.
    """

    text: str
    value: float | None = None
    mark: str = ""
    series: int | None = None
    detail: str = ""
    cited: bool = False

    @property
    def full(self) -> str:
        """Text and detail in one line."""
        return f"{self.text} {self.detail}" if self.detail else self.text


@dataclass(frozen=True)
class Column:
    """Head of a column.

    Attributes:
        head: Name, with its unit where it is not obvious.
        higher_is_better: Direction; None where there is none, and then nothing is marked best.
        numeric: Whether it is set to the right and sorts by value.
        digits: Decimals a spreadsheet shows.
        hint: What it means, in a few words.
    """

    head: str
    higher_is_better: bool | None = None
    numeric: bool = True
    digits: int = 3
    hint: str = ""

    @property
    def title(self) -> str:
        arrow = {True: " ↑", False: " ↓", None: ""}[self.higher_is_better]
        return self.head + arrow


@dataclass(frozen=True)
class Table:
    """Rows under heads.

    Attributes:
        key: Unique in the report; name of its sheet in a workbook.
        filterable: Whether it is long enough to be searched.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    filterable: bool = False

    def marked(self) -> Table:
        """The same with the best and the second best of every directed column marked; ties share a mark."""
        rows = [list(row) for row in self.rows]
        for place, column in enumerate(self.columns):
            if column.higher_is_better is None or len(rows) < 2:
                continue
            found = {row[place].value for row in rows if not row[place].cited}
            values = sorted((value for value in found if value is not None), reverse=column.higher_is_better)
            for row in rows:
                for mark, value in zip(("best", "second"), values[:2], strict=False):
                    if row[place].value == value and not row[place].cited:
                        row[place] = replace(row[place], mark=mark)
        return replace(self, rows=tuple(tuple(row) for row in rows))


@dataclass(frozen=True)
class Figure:
    """Something drawn.

    Attributes:
        key: Unique in the report.
        description: What a reader who cannot see it should know.
        draw: Draws it; called at most once per report.
        data: The plotted points, JSON values.
        wide: Whether it takes the whole width of a page.
    """

    key: str
    title: str
    description: str
    draw: Callable[[], Drawing]
    data: Mapping[str, Any] = field(default_factory=dict)
    wide: bool = False


@dataclass(frozen=True)
class Frame:
    """One frame of a sequence with boxes.

    Attributes:
        number: Of the frame, counted from 1.
        jpeg: The encoded picture.
        size: Width and height of the picture the boxes refer to.
        outlines: Place of a tracker (None: groundtruth) and corner points in pixels.
        caption: Why this frame is shown.
    """

    key: str
    number: int
    jpeg: bytes
    size: tuple[int, int]
    outlines: tuple[tuple[int | None, tuple[tuple[float, float], ...]], ...]
    caption: str


@dataclass(frozen=True)
class Section:
    """One part of a report, under one head.

    Attributes:
        lead: What the reader should know before looking.
        skipped: What is not here, and why.
        facts: Named lists of facts (run cards).
    """

    key: str
    title: str
    lead: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    frames: tuple[Frame, ...] = ()
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    skipped: tuple[str, ...] = ()
    chapter: str = ""

    @property
    def empty(self) -> bool:
        return not (self.tables or self.figures or self.frames or self.facts or self.skipped or self.lead)


@dataclass(frozen=True)
class Contender:
    """A tracker as the report names it.

    Attributes:
        index: Its place, which decides its colour.
        origin: ``evalkit`` (with run.json), ``imported`` (raw results of others) or ``published`` (numbers only).
        tracker: evalkit's name for it where results are filed under another label.
    """

    index: int
    label: str
    origin: str
    tracker: str


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    contenders: tuple[Contender, ...]
    sections: tuple[Section, ...]
    notices: tuple[str, ...] = ()

    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]

    def figures(self) -> list[Figure]:
        return [figure for section in self.sections for figure in section.figures]


def name_cell(contender: Contender) -> Cell:
    """The first cell of a tracker's row."""
    detail = "" if contender.origin == "evalkit" else f"({contender.origin})"
    return Cell(contender.label, series=contender.index, detail=detail)


def number_cell(value: float | None, digits: int = 3, *, suffix: str = "", mark: str = "") -> Cell:
    """A value with fixed decimals; a dash where there is none."""
    if value is None:
        return Cell("-")
    return Cell(f"{value:.{digits}f}{suffix}", value, mark)


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence, the tail of a long list counted instead of named."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
