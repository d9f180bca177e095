"""Python's search for garbage, less often while much is read that will be kept."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collect_rarely", "fewer_collections"]

_RARELY: Final = (50_000, 20, 50)
_lock = Lock()
_before: list[tuple[int, int, int]] = []
"""For each that is within `fewer_collections`, in any thread, what was set before the first."""


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Have Python look for garbage less often: all that is read of files is kept.

    Looking through it again and again would take a fifth of the time.
    """
    with _lock:
        _before.append(_before[0] if _before else gc.get_threshold())
        collect_rarely()
    try:
        yield
    finally:
        with _lock:
            threshold = _before.pop()
            if not _before:
                gc.set_threshold(*threshold)


def collect_rarely() -> None:
    """Have this process look for garbage less often from now on."""
    gc.set_threshold(*_RARELY)
