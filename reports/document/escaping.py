"""Escapes text for each format, so that a name can neither break the markup nor run anything."""

from __future__ import annotations

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$^\dagger$",
    "·": r"$\cdot$",
    "\n": " ",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARKDOWN = str.maketrans({
    **{character: f"\\{character}" for character in "\\`*_[]|~$"},
    "<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " ",
})  # fmt: skip


def latex(text: str) -> str:
    r"""Return the text as LaTeX prints it, whatever characters it contains.

    >>> latex("50%_a&b")
    '50\\%\\_a\\&b'
    """
    return "".join(_LATEX.get(character, character) for character in _printable(text, kept="\n\r\t"))


def markdown(text: str) -> str:
    r"""Return the text as Markdown shows it, also inside a table.

    >>> markdown("a|b*c")
    'a\\|b\\*c'
    """
    return _printable(text, kept="\n\r\t").translate(_MARKDOWN)


def _printable(text: str, *, kept: str = "") -> str:
    """Return the text with control characters and marks of writing direction written out, except those in ``kept``."""
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


def spreadsheet(text: str) -> str:
    """Return the text with a leading apostrophe if a spreadsheet would take it for a formula.

    >>> spreadsheet("=1+1"), spreadsheet("lighttrack-m")
    ("'=1+1", 'lighttrack-m')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def terminal(text: str) -> str:
    r"""Return the text with control characters written out, so that a terminal shows them instead of obeying them.

    >>> terminal("red\x1b[31m")
    'red\\x1b[31m'
    """
    return _printable(text)
