"""Text on a terminal: what comes from files is shown, never obeyed."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from zarrchive.errors import Problem

__all__ = ["human_size", "print_problems", "printable", "terminal"]

_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that steer a terminal or reorder text, and halves of characters."""
_WIDTH_OF_A_FILE: Final = 160
"""Columns, where the output is no terminal."""


def terminal(*, stderr: bool = False) -> Console:
    """Return the console to print on."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_OF_A_FILE
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    r"""Escape what could move the cursor, change colours or reorder text.

    Examples
    --------
    >>> printable("café")
    'café'
    >>> print(printable("red: \x1b[31m"))
    red: \x1b[31m
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems on standard error, one paragraph each."""
    from rich.text import Text

    console = terminal(stderr=True)
    for problem in problems:
        place = ": ".join(part for part in (problem.where, problem.variable) if part)
        text = Text()
        text.append(
            f"{problem.severity}: ", "bold red" if problem.severity == "error" else "yellow"
        )
        text.append(f"{printable(place)}: {printable(problem.what)}\n")
        text.append(f"  hint: {printable(problem.hint)}  ")
        text.append(f"[{problem.code}]", "dim")
        console.print(text, soft_wrap=True)


def human_size(nbytes: int) -> str:
    """Say a number of bytes in three digits, in decimal units.

    Examples
    --------
    >>> human_size(999), human_size(1_500_000)
    ('999 B', '1.5 MB')
    """
    size = float(nbytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _ESCAPED:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
