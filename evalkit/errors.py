"""The error type whose message is meant for people, and its subclasses that programs tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class EvalkitError(Exception):
    """An error that the user can fix: an unknown name, damaged data, a result that does not match.

    The command line prints it without a traceback and exits with ``exit_code``. Any other exception that
    escapes is a defect of evalkit; the exit code is then 4.

    Args:
        what: The problem, in one sentence without its final period.
        where: File, sequence or option concerned; printed first.
        found: The value that was found.
        expected: The value or values that would have been valid.
        hint: What to do next, as a sentence or a command.
        exit_code: 2 for an invalid request or invalid data, 1 when the run itself failed.

    >>> print(EvalkitError("rows do not match", where="OTB100/David", found=470, expected=471))
    OTB100/David: rows do not match (found 470, expected 471)
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
        exit_code: int = 2,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.found = found
        self.expected = expected
        self.hint = hint
        self.exit_code = exit_code
        super().__init__(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes pickle errors for their parent process; the default does not keep keyword arguments.
        return _rebuild, (type(self), self.what, self.where, self.found, self.expected, self.hint, self.exit_code)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        details = [
            f"{label} {value}"
            for label, value in (("found", self.found), ("expected", self.expected))
            if value is not None
        ]
        if details:
            text += f" ({', '.join(details)})"
        if self.hint:
            text += f". {self.hint}"
        return text


class UnknownName(EvalkitError):  # noqa: N818 -- named like the situation, as callers read it in `except`
    """A name that was asked for does not exist: a tracker, dataset, sequence, profile, protocol, runtime, ..."""


class MissingResults(EvalkitError):  # noqa: N818
    """There are no results where they were looked for, or some sequences have none."""


class DamagedResults(EvalkitError):  # noqa: N818
    """Result files exist but cannot be read or do not match the sequence."""


class WithheldGroundtruth(EvalkitError):  # noqa: N818
    """Only first frames are annotated, as in test sets that the benchmark's server scores."""


class OtherDatasetVersion(EvalkitError):  # noqa: N818
    """Results were made on another version of the dataset than the present one."""


class ProfileNotApplicable(EvalkitError):  # noqa: N818
    """A metric profile cannot score these results: another protocol, or rows it has no rule for.

    Args:
        what: As of every ``EvalkitError``, with its other arguments.
        sequences: Where only results of some sequences are concerned: by name of the sequence, what is wrong with its
            result. Without these sequences the others can be scored.
    """

    def __init__(self, what: str, *, sequences: Mapping[str, str] | None = None, **details: Any) -> None:
        self.sequences = dict(sequences or {})
        super().__init__(what, **details)

    def __reduce__(self) -> tuple[object, ...]:
        return *super().__reduce__(), {"sequences": self.sequences}


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return the first names for a message, and the total if some are left out; "nothing" for none.

    >>> listed(["a", "b", "c"], most=2)
    'a, b, ... (3 in all)'
    """
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "nothing"


def suggestion(asked: str, known: Iterable[str]) -> str | None:
    """Return the hint for a misspelt name: the most similar known name, ignoring case; None if none is similar.

    >>> suggestion("David1", ["Couple", "David"])
    "Did you mean 'David'?"
    """
    import difflib

    spellings = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(asked.casefold(), spellings, n=1)
    return f"Did you mean {spellings[near[0]]!r}?" if near else None


def _rebuild(
    kind: type[EvalkitError],
    what: str,
    where: str | None,
    found: object,
    expected: object,
    hint: str | None,
    exit_code: int,
) -> EvalkitError:
    return kind(what, where=where, found=found, expected=expected, hint=hint, exit_code=exit_code)
