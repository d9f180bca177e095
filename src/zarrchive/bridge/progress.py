"""How far long work is: told to a function, or drawn as a bar."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Progress", "told"]

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""A function of what is done and of the total; True: a bar; False: nothing. None: a bar on a
terminal, once it takes longer than a moment."""

_MOMENT: Final = 1.0
"""Seconds."""


@contextmanager
def told(progress: Progress, label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give the function that is to be called with the number of items that are done."""
    if callable(progress):
        tell = progress
        yield lambda done: void(tell(done, total))
        return
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield void
        return
    bar = _Bar(label, total, after=0.0 if progress else _MOMENT)
    try:
        yield bar.update
    finally:
        bar.close()


def void(_value: object) -> None:
    """Do nothing."""


class _Bar:
    """A bar on standard error, or in the cell of a notebook; on a terminal it goes in the end."""

    def __init__(self, label: str, total: int, *, after: float) -> None:
        self._label, self._total = label, total
        self._begins = monotonic() + after
        self._bar: Any = None
        self._task: Any = None

    def update(self, done: int) -> None:
        if self._bar is None and monotonic() >= self._begins:
            self._start()
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only where a bar is drawn
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        self._bar = Progress(
            *columns, TimeRemainingColumn(), console=console, transient=console.is_terminal
        )
        self._task = self._bar.add_task(self._label, total=self._total)
        self._bar.start()
