"""Say where stored results were made by several versions of code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.results import run_record
from evalkit.results.run_record import RunRecord


def code_notice(label: str, record: RunRecord | None) -> str | None:
    """Return the sentence that says that results are of several versions of code; None if of one, or if unknown.

    ``evalkit run`` does not mix versions of a tracker. Earlier versions of evalkit did, and did not record the files of
    the tracker. evalkit's own code may differ: a run can be continued after an update.
    """
    if record is None:
        return None
    codes = dict.fromkeys(one["code"] for one in record["environments"] if one.get("code"))
    trackers = dict.fromkeys(one.get("tracker_code") for one in record["environments"] if one.get("code"))
    if len(codes) < 2:
        return None
    if len(trackers) == 1 and (None not in trackers or _is_evalkits_own(record)):
        versions = dict.fromkeys(_version(one) for one in record["environments"])
        return f"{label}: results of several versions of evalkit's code ({', '.join(versions)})"
    return (
        f"{label}: results of {len(codes)} versions of the tracker's or evalkit's code, which may differ; "
        "track again with --force to have them of one"
    )


def _is_evalkits_own(record: RunRecord) -> bool:
    """Return whether results are of one of evalkit's own trackers, as far as the record of the run tells."""
    return run_record.FILES not in record["identity"] and not (
        run_record.is_program(record) or ".py:" in str(record["identity"].get("tracker", ""))
    )


def _version(environment: Mapping[str, Any]) -> str:
    commit = environment.get("commit")
    return f"{environment.get('versions', {}).get('evalkit', 'unknown')}{f' at {commit}' if commit else ''}"
