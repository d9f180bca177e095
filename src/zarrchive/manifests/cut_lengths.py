"""Into how long pieces chunks along one axis can be cut, so that no piece needs two chunks."""

from __future__ import annotations

from math import gcd, isqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Run", "longest_cut"]


class Run(NamedTuple):
    """Elements `start` to `stop` along an axis that is stored in chunks of `chunk`."""

    start: int
    stop: int
    chunk: int


def longest_cut(runs: Sequence[Run], *, divisor_of: int = 0) -> int:
    """Return how many elements the pieces of all runs can have at most.

    Pieces follow one another from the start of each run. Each lies within one stored chunk,
    also the last one, which may reach beyond the end of its run.

    Parameters
    ----------
    runs
        Elements that are stored, along the same axis of any number of arrays.
    divisor_of
        Only lengths that divide it are possible; 0: all.
    """
    runs = [run for run in runs if run.stop > run.start]
    common = gcd(divisor_of, *(limit for run in runs for limit in _must_divide(run)))
    lengths = _divisors(common) if common else _free_lengths(runs)
    return next(n for n in lengths if all(_fits(n, run) for run in runs))


def _free_lengths(runs: Sequence[Run]) -> list[int]:
    """Return the lengths among which the longest is, the largest first; each run is in one chunk.

    Pieces could be longer unless one is as long as its run, or they fill the room that some run
    has up to the end of its chunk, in which case they are that room divided by their number.
    """
    longest = max((run.stop - run.start for run in runs), default=1)
    lengths = {1, longest}
    for run in runs:
        room = run.chunk - run.start % run.chunk
        lengths.update(range(1, isqrt(room) + 1))
        lengths.update(room // count for count in range(1, isqrt(room) + 1))
    return sorted((n for n in lengths if n <= longest), reverse=True)


def _must_divide(run: Run) -> Iterator[int]:
    first = (run.start // run.chunk + 1) * run.chunk
    if first < run.stop:
        yield first - run.start
    if first + run.chunk < run.stop:
        yield run.chunk


def _fits(length: int, run: Run) -> bool:
    """Whether the last piece lies within one chunk, given that `length` divides what it must."""
    begin = max(run.start, (run.stop - 1) // run.chunk * run.chunk)
    end = begin + -(-(run.stop - begin) // length) * length
    return end <= (begin // run.chunk + 1) * run.chunk


def _divisors(number: int) -> Iterator[int]:
    """Yield all divisors, the largest first."""
    small = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    yield from (number // n for n in small)
    yield from reversed(small)
