"""Names made harmless for the program that will read them."""

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
    r"""The text as LaTeX prints it, whatever it contains.

    >>> latex("50%_a&b")
    '50\\%\\_a\\&b'
    """
    return "".join(_LATEX.get(character, character) for character in text)


def markdown(text: str) -> str:
    r"""The text as Markdown shows it, in a table's cell too.

    >>> markdown("a|b*c")
    'a\\|b\\*c'
    """
    return text.translate(_MARKDOWN)


def spreadsheet(text: str) -> str:
    """The text as a spreadsheet shows it instead of computing it: a leading apostrophe marks text.

    >>> spreadsheet("=1+1"), spreadsheet("lighttrack-m")
    ("'=1+1", 'lighttrack-m')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
