"""The parts of a report: cells, tables, figures, frames, sections and the whole document, independent of any format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from evalkit.types import Cost, Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.document.player import Player
    from evalkit.reports.figures.theme import FigureStyle

Row = TypeVar("Row")

PAGE_BYTES = 5_000_000
"""Size of the HTML page, at most, unless a user raises it."""


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
        text: The text that is shown.
        value: The number that it is sorted by and that a spreadsheet stores; None for text.
        mark: ``best`` or ``second`` of its column, ``better`` or ``worse`` than another tracker, or empty.
        series: Index of the tracker that the cell names, whose colour is then shown; None for other cells.
        detail: Small print after the text: a confidence interval, a difference.
        cited: Whether the value was published by somebody else; such a value is never marked as the best.
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
    """Head of a column and how its values are shown.

    Attributes:
        head: Name, with its unit where that is not obvious.
        higher_is_better: Direction of its values; None if they have no direction, and then none is marked as best.
        numeric: Whether the column is aligned to the right and sorted by value.
        digits: Decimals that a spreadsheet shows.
        hint: Short explanation, shown when the pointer rests on the head.
        group: Name of the neighbouring columns that it belongs to, e.g. a dataset; empty for none.
    """

    head: str
    higher_is_better: bool | None = None
    numeric: bool = True
    digits: int = 3
    hint: str = ""
    group: str = ""

    @property
    def arrow(self) -> str:
        """An arrow in the direction of better values, after a space; empty if they have none."""
        return {True: " ↑", False: " ↓", None: ""}[self.higher_is_better]

    @property
    def title(self) -> str:
        """Group and head with an arrow in the direction of better values."""
        return " ".join(filter(None, (self.group, self.head))) + self.arrow


ColumnOf: TypeAlias = tuple[Column, Callable[[Row], Cell]]
"""A column, and the function that makes its cell from the object that a row shows."""


def text_column(head: str) -> Column:
    """Return a column of text, aligned to the left and sorted alphabetically."""
    return Column(head, numeric=False)


_PLACES = 12
"""Number of values, details counted like values, that fit next to one another on a page."""


@dataclass(frozen=True)
class Table:
    """A table of cells under column heads.

    Attributes:
        key: Identifier, unique in the report; also the name of the sheet in a workbook.
        rows: As many cells in each row as there are columns.
        notes: Sentences printed below the table.
        filterable: Whether the page offers to filter its rows, as for a long table.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    filterable: bool = False

    @property
    def grouped(self) -> bool:
        """True if some of its columns belong to a group."""
        return any(column.group for column in self.columns)

    @property
    def details_fit(self) -> bool:
        """True if a page has room for details next to their values instead of below them."""
        numbers = [place for place, column in enumerate(self.columns) if column.numeric]
        return sum(2 if any(row[place].detail for row in self.rows) else 1 for place in numbers) <= _PLACES

    @property
    def naming_columns(self) -> int:
        """Number of leading columns of text, which name the row."""
        return next((place for place, column in enumerate(self.columns) if column.numeric), len(self.columns))

    def with_columns(self, places: Sequence[int]) -> Table:
        """Return the table of some of its columns, in the given order."""
        return replace(
            self, columns=tuple(self.columns[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in self.rows),
        )  # fmt: skip

    def with_best_marked(self) -> Table:
        """Return the same table with the best and second-best value marked in every column that has a direction.

        Equal values get the same mark; cited values get none.
        """
        columns = [self._marked_column(place) for place in range(len(self.columns))]
        return replace(self, rows=tuple(zip(*columns, strict=True)))

    def _marked_column(self, place: int) -> list[Cell]:
        cells = [row[place] for row in self.rows]
        direction = self.columns[place].higher_is_better
        if direction is None or len(cells) < 2:
            return cells
        measured = {cell.value for cell in cells if cell.value is not None and not cell.cited}
        ranked = sorted(measured, reverse=direction)
        marks: dict[float | None, str] = dict(zip(ranked, ("best", "second"), strict=False))
        return [cell if cell.cited else replace(cell, mark=marks.get(cell.value, cell.mark)) for cell in cells]


def build_table(
    key: str,
    title: str,
    columns: Sequence[ColumnOf[Row]],
    rows: Iterable[Row],
    *,
    notes: Iterable[str] = (),
    filterable: bool = False,
) -> Table:
    """Build a table with one row for each object.

    Args:
        columns: Each column with the function that makes its cell from a row's object.
        rows: The objects that the rows show.
        notes: See ``Table``.
        filterable: See ``Table``.
    """
    heads = tuple(column for column, _ in columns)
    cells = tuple(tuple(make_cell(row) for _, make_cell in columns) for row in rows)
    return Table(key, title, heads, cells, tuple(notes), filterable)


@dataclass(frozen=True)
class Figure:
    """A plot.

    Attributes:
        key: Identifier, unique in the report.
        description: Text for readers who cannot see the plot.
        draw: Draws the plot in a style, under ``theme`` of the same style.
        data: The plotted points as JSON values.
        wide: Whether it takes the whole width of the page.
    """

    key: str
    title: str
    description: str
    draw: Callable[[FigureStyle], Drawing]
    data: Mapping[str, Any] = field(default_factory=dict)
    wide: bool = False


Outline: TypeAlias = tuple[tuple[float, float], ...]
"""Corner points (x, y) of a region in pixels of the frame, counted from 0."""


@dataclass(frozen=True)
class Frame:
    """One frame of a sequence with the regions on it.

    Attributes:
        key: Identifier, unique in the report.
        number: Number of the frame, counted from 1.
        jpeg: The encoded picture, which may be smaller than ``size``.
        size: Width and height of the original frame in pixels, which the outlines refer to.
        outlines: Index of a tracker (None for the groundtruth) and the outline of its region.
        caption: Why this frame is shown.
    """

    key: str
    number: int
    jpeg: bytes
    size: tuple[int, int]
    outlines: tuple[tuple[int | None, Outline], ...]
    caption: str


@dataclass(frozen=True)
class Section:
    """One section of a report.

    Attributes:
        key: Identifier, unique in the report; the anchor on the page.
        introduction: Sentences shown before everything else.
        player: Frames of a sequence to step through; None for none.
        properties: Named lists of property names and values (run records).
        skipped: Sentences that name what the section lacks, and why.
        chapter: The benchmark that the section is about; empty for sections about all of them.
    """

    key: str
    title: str
    introduction: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    frames: tuple[Frame, ...] = ()
    player: Player | None = None
    properties: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    skipped: tuple[str, ...] = ()
    chapter: str = ""

    @property
    def empty(self) -> bool:
        """True if the section has nothing to show, not even a reason for that."""
        return not any((self.introduction, self.tables, self.figures, self.frames, self.properties, self.skipped))


@dataclass(frozen=True)
class ReportedTracker:
    """A tracker of the report.

    Attributes:
        index: Its place in the report, which decides its colour.
        label: Name of its results, or of the tracker if it has published numbers only.
        origin: ``evalkit`` (run by evalkit), ``imported`` (results made elsewhere) or ``published`` (numbers only).
        name: evalkit's name of the tracker, by which published numbers are looked up.
        marked: Whether its origin is shown next to its label: not if evalkit ran it, nor if all have the same origin.
    """

    index: int
    label: str
    origin: str
    name: str
    marked: bool = False


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        scores, costs: The values that the tables were made from, for formats that also store them as records.
        notices: What was found and what was left out, one sentence each.
        tables_only: Whether it holds tables of scores and costs without the sections of a report; text formats then
            write no headings.
        page_bytes: Size of the HTML page, at most; what does not fit is left out of it.
    """

    title: str
    subtitle: str
    trackers: tuple[ReportedTracker, ...]
    sections: tuple[Section, ...]
    notices: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    costs: tuple[Cost, ...] = ()
    tables_only: bool = False
    page_bytes: int = PAGE_BYTES

    def tables(self) -> list[Table]:
        """Return the tables of all sections."""
        return [table for section in self.sections for table in section.tables]

    def figures(self) -> list[Figure]:
        """Return the figures of all sections."""
        return [figure for section in self.sections for figure in section.figures]

    def players(self) -> list[Player]:
        """Return the players of all sections."""
        return [section.player for section in self.sections if section.player is not None]

    def frames(self) -> list[Frame]:
        """Return the frames of all sections."""
        return [frame for section in self.sections for frame in section.frames]


def name_cell(tracker: ReportedTracker) -> Cell:
    """Return the first cell of a tracker's row: its label and, where it is marked, the origin of its numbers."""
    return Cell(tracker.label, series=tracker.index, detail=f"({tracker.origin})" if tracker.marked else "")


def number_cell(value: float | None, digits: int = 3, *, mark: str = "") -> Cell:
    """Return a value with fixed decimals; a dash for None."""
    if value is None:
        return Cell("-")
    return Cell(f"{value:.{digits}f}", value, mark)


def row_cells(values: Sequence[float | None], digits: int, *, higher_is_better: bool) -> list[Cell]:
    """Return the values of one row as cells, the best of them marked if there are at least two."""
    present = [value for value in values if value is not None]
    best = (max if higher_is_better else min)(present) if len(present) > 1 else None
    return [number_cell(value, digits, mark="best" if value is not None and value == best else "") for value in values]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "tracker"), counted(2, "tracker")
    ('1 tracker', '2 trackers')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
