"""Time contenders in turns, and print medians and ratios."""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from zarrchive.readers.hdf5.moulds import forget

if TYPE_CHECKING:
    from collections.abc import Callable

_CACHED = type(cache(int))

__all__ = ["Contender", "Row", "compare", "say"]


@dataclass
class Contender:
    """One tool doing the work of one row."""

    tool: str
    level: str
    """Only contenders of one level do the same: ratios are to zarrchive's of that level."""
    run: Callable[[], Any]
    count: Callable[[Any], int | None] = lambda _: None
    """What was found, to see that all tools found the same; not timed."""
    items: int = 1
    """Files or groups that one run goes through; times are divided by it."""
    does: str = ""
    against: str = ""
    """Level of zarrchive that it is compared with; its own if empty."""
    first: float = 0.0
    times: list[float] = field(default_factory=list)
    found: int | None = None
    failure: str = ""

    @property
    def middle(self) -> float:
        """Median of the seconds of an item."""
        return median(self.times) / self.items if self.times else float("nan")


@dataclass(frozen=True)
class Row:
    """One workload."""

    title: str
    contenders: list[Contender]
    item: str = ""
    """What times are for one of; empty: the whole."""
    must_agree: bool = True
    """Whether all contenders of a level must find the same number of references."""


def compare(name: str, row: Row, *, repeat: int, limit: float) -> None:
    """Run every contender once, then in turns `repeat` times; a slow one only once."""
    say(f"\n{name}: {row.title}")
    for one in row.contenders:
        one.first = _once(one, count=True)
    _check_agreement(row)
    in_turn = [one for one in row.contenders if not one.failure and one.first <= limit]
    for one in row.contenders:
        if one not in in_turn and not one.failure:
            one.times.append(one.first)
    for _ in range(repeat):
        for one in in_turn:
            one.times.append(_once(one))
    _print(row)


def _once(one: Contender, *, count: bool = False) -> float:
    _forget_all()
    gc.collect()
    start = time.perf_counter()
    try:
        result = one.run()
    except Exception as error:  # noqa: BLE001 - a peer may fail in any way; that is a result
        one.failure = f"{type(error).__name__}: {str(error)[:100]}"
        return 0.0
    seconds = time.perf_counter() - start
    if count:
        one.found = one.count(result)
    return seconds


def _forget_all() -> None:
    """Have each run begin as if no file had been read before."""
    forget()
    for name, module in list(sys.modules.items()):
        if name.startswith("zarrchive."):
            for one in vars(module).values():
                if isinstance(one, _CACHED):
                    one.cache_clear()


def _check_agreement(row: Row) -> None:
    for level in dict.fromkeys(one.level for one in row.contenders):
        found = {
            one.tool: one.found
            for one in row.contenders
            if one.level == level and one.found is not None and not one.failure
        }
        if row.must_agree and len(set(found.values())) > 1:
            say(f"  {level}: the tools do not agree on how many references there are: {found}")


def _print(row: Row) -> None:
    ours = {one.level: one.middle for one in row.contenders if one.tool == "zarrchive"}
    unit = f" a {row.item}" if row.item else ""
    for one in row.contenders:
        label = f"  {one.level:<18} {one.tool:<18}"
        if one.failure:
            say(f"{label} failed: {one.failure}")
            continue
        own = ours.get(one.against or one.level)
        ratio = f"{one.middle / own:9.1f} x" if own else " " * 11
        runs = f"{len(one.times)} runs" if len(one.times) > 1 else "one run only"
        items = f" of {one.items}" if one.items > 1 else ""
        found = "" if one.found is None else f", {one.found} references"
        say(
            f"{label} median {_time(one.middle)}{unit} min {_time(min(one.times) / one.items)} "
            f"first {_time(one.first / one.items)} {ratio}  ({runs}{items}{found})"
        )
    for tool, does in dict.fromkeys((one.tool, one.does) for one in row.contenders if one.does):
        say(f"    {tool}: {does}")


def _time(seconds: float) -> str:
    return f"{1000 * seconds:10.3f} ms"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
