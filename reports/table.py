"""Scores and costs as text: for a terminal, for machines, for a spreadsheet."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from evalkit import registry
from evalkit.types import Cost, Score

if TYPE_CHECKING:
    import pandas as pd

JSON_VERSION = 1

_HEADS = {
    "auc": "AUC",
    "precision": "P",
    "norm_precision": "P_norm",
    "norm_precision_auc": "P_norm AUC",
    "ao": "AO",
    "sr50": "SR50",
    "sr75": "SR75",
    "eao": "EAO",
    "f_score": "F",
    "lt_precision": "Pr",
    "lt_recall": "Re",
}
_COSTS = (
    ("macs", "thop-2020", "MACs", 1e6, "M"),
    ("parameters", "distinct", "params", 1e6, "M"),
    ("fps", "tracking", "fps", 1.0, ""),
)


def score_record(score: Score) -> dict[str, Any]:
    """The flat JSON record of a score; the fields are a contract of the command line."""
    record = {
        "tracker": score.tracker,
        "dataset": score.dataset,
        "protocol": score.protocol,
        "metric": score.metric,
        "profile": score.profile,
        "metric_version": score.version,
        "value": _finite(score.value),
        "low": _finite(score.low),
        "high": _finite(score.high),
        "unit": score.unit,
        "higher_is_better": score.higher_is_better,
        "sequences": score.sequences,
        "expected_sequences": score.expected_sequences,
    }
    return record if score.attribute is None else {**record, "attribute": score.attribute}


def cost_record(cost: Cost) -> dict[str, Any]:
    """The flat JSON record of a cost; the fields are a contract of the command line."""
    return {
        "tracker": cost.tracker,
        "quantity": cost.quantity,
        "convention": cost.convention,
        "value": _finite(cost.value),
        "unit": cost.unit,
        "input": cost.input,
        "runtime": cost.runtime,
        "precision": cost.precision,
        "device": cost.device,
        "threads": cost.threads,
        "not_counted": list(cost.not_counted),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def records(scores: Iterable[Score] = (), costs: Iterable[Cost] = ()) -> list[dict[str, Any]]:
    """Flat records of scores, then of costs."""
    return [*map(score_record, scores), *map(cost_record, costs)]


@registry.report("json", summary="one JSON object, one flat record a row", suffix=".json")
def as_json(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), rows: Sequence[dict[str, Any]] = ()) -> str:
    content = {"version": JSON_VERSION, "records": [*records(scores, costs), *rows]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def pivot(scores: Sequence[Score], costs: Sequence[Cost] = ()) -> pd.DataFrame:
    """One row a tracker, one column a metric, sorted by the leading metric; heads carry unit and direction.

    All scores must be of one dataset, protocol and attribute; cells are strings, "-" where there is no value.
    """
    import pandas as pd

    names = list(dict.fromkeys(score.tracker for score in scores))
    leading = scores[0] if scores else None
    if leading is not None:
        value = {one.tracker: one.value for one in scores if one.metric == leading.metric}
        sign = -1.0 if leading.higher_is_better else 1.0
        names.sort(key=lambda name: math.inf if value.get(name) is None else sign * float(value[name] or 0.0))
    columns: dict[str, dict[str, str]] = {"tracker": {name: name for name in names}}
    for score in scores:
        columns.setdefault(_head(score), {})[score.tracker] = _cell(score)
    for quantity, convention, head, divisor, suffix in _COSTS:
        for cost in costs:
            if cost.quantity == quantity and cost.convention == convention and cost.value is not None:
                text = f"{cost.value / divisor:.4g}" if divisor == 1.0 else f"{cost.value / divisor:.2f}"
                columns.setdefault(f"{head} {'↑' if quantity == 'fps' else '↓'}", {})[cost.tracker] = (
                    f"{text} {suffix}".strip()
                )
    return pd.DataFrame({head: [cells.get(name, "-") for name in names] for head, cells in columns.items()})


def _head(score: Score) -> str:
    unit = "" if score.unit == "fraction" else f" ({score.unit})"
    return f"{_HEADS.get(score.metric, score.metric)}{unit} {'↑' if score.higher_is_better else '↓'}"


def _cell(score: Score) -> str:
    if score.value is None:
        return "-"
    digits = 3 if score.unit == "fraction" else 2
    text = f"{score.value:.{digits}f}"
    if score.low is not None and score.high is not None:
        text += f" [{score.low:.{digits}f}, {score.high:.{digits}f}]"
    return text


def groups(scores: Sequence[Score]) -> dict[tuple[str, str, str | None], list[Score]]:
    """Scores by dataset, protocol and attribute, in order of appearance."""
    found: dict[tuple[str, str, str | None], list[Score]] = {}
    for score in scores:
        found.setdefault((score.dataset, score.protocol, score.attribute), []).append(score)
    return found


def title(scores: Sequence[Score]) -> str:
    """What a table of these scores is of: dataset, sequences, protocol, profiles with versions."""
    first = scores[0]
    counts = sorted({score.sequences for score in scores})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    of = "" if counts == [first.expected_sequences] else f" of {first.expected_sequences}"
    profiles = ", ".join(dict.fromkeys(f"{score.profile} v{score.version}" for score in scores))
    attribute = f", {first.attribute}" if first.attribute else ""
    return f"{first.dataset}{attribute} ({number}{of} sequences, {first.protocol.replace('_', '-')}, {profiles})"


@registry.report("table", summary="aligned text for a terminal")
def as_table(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), notices: Sequence[str] = ()) -> str:
    blocks = []
    for group in groups(scores).values():
        lines = [title(group), align(pivot(group, costs))]
        lines += [f"  {note}" for note in dict.fromkeys(note for score in group for note in score.notes)]
        blocks.append("\n".join(lines))
    if not scores and costs:
        blocks.append(align(cost_frame(costs)))
    blocks += ["\n".join(notices)] if notices else []
    return "\n\n".join(blocks)


def cost_frame(costs: Sequence[Cost]) -> pd.DataFrame:
    """One row a cost."""
    import pandas as pd

    rows = [{**cost_record(cost), "value": _plain(cost.value)} for cost in costs]
    frame = pd.DataFrame(rows).drop(columns=["not_counted"])
    return frame.astype(str)


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def align(frame: pd.DataFrame) -> str:
    """First column to the left, the others to the right, two spaces between."""
    rows = [list(map(str, frame.columns)), *frame.astype(str).to_numpy().tolist()]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


@registry.report("csv", summary="one flat record a row", suffix=".csv")
def as_csv(scores: Sequence[Score] = (), costs: Sequence[Cost] = ()) -> str:
    import pandas as pd

    return str(pd.DataFrame(records(scores, costs)).to_csv(index=False)).rstrip("\n")


@registry.report("markdown", summary="tables for a README or a pull request", aliases=("md",), suffix=".md")
def as_markdown(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), notices: Sequence[str] = ()) -> str:
    blocks = []
    for group in groups(scores).values():
        frame = pivot(group, costs)
        rows = [list(frame.columns), ["---", *["---:"] * (len(frame.columns) - 1)], *frame.to_numpy().tolist()]
        body = "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)
        blocks.append(f"**{title(group)}**\n\n{body}")
    return "\n\n".join([*blocks, *notices])
