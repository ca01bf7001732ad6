"""The one error that is meant for people."""

from __future__ import annotations

from collections.abc import Iterable


class EvalkitError(Exception):
    """Something a person can mend: a wrong name, damaged data, a result that does not fit.

    The command line prints it without a traceback and exits with ``exit_code``; everything else that
    escapes is a defect of evalkit and exits with 4.

    Args:
        what: The complaint, in one sentence without its final stop.
        where: File, sequence or option concerned; printed first.
        found: What was there.
        expected: What should have been there.
        hint: What to do next, as a sentence or a command.
        exit_code: 2 for a wrong request or bad data, 1 when the run itself went wrong.

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
        # Workers hand their errors to the parent process; keyword arguments need help to travel.
        return _rebuild, (self.what, self.where, self.found, self.expected, self.hint, self.exit_code)

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


def suggestion(asked: str, known: Iterable[str]) -> str | None:
    """The hint for a misspelt name: the known one it resembles, without regard to case; None if it resembles none.

    >>> suggestion("David1", ["Couple", "David"])
    "Did you mean 'David'?"
    """
    import difflib

    spellings = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(asked.casefold(), spellings, n=1)
    return f"Did you mean {spellings[near[0]]!r}?" if near else None


def _rebuild(
    what: str, where: str | None, found: object, expected: object, hint: str | None, exit_code: int
) -> EvalkitError:
    return EvalkitError(what, where=where, found=found, expected=expected, hint=hint, exit_code=exit_code)
