"""Files that lie beside one another along several dimensions: tiles, or levels of each time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents

__all__ = ["Grid", "grid_of", "nested"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Files in the order of a grid, the last dimension varying fastest."""

    dims: tuple[tuple[str, int], ...]
    """Each dimension, with the number of files along it."""
    files: tuple[Contents, ...]


def grid_of(files: Sequence[Contents], dims: Sequence[str]) -> Grid | None:
    """Return files as a full grid along `dims`; None where they are none.

    In a full grid, each combination of the coordinates that files have is that of one file, and
    coordinates of different files do not overlap.
    """
    if len(dims) < 2:
        return None
    places = []
    for dim in dims:
        along = _places(files, dim)
        if along is None:
            return None
        places.append(along)
    counts = [max(along) + 1 for along in places]
    numbers = [int(n) for n in np.ravel_multi_index([np.asarray(one) for one in places], counts)]
    if sorted(numbers) != list(range(prod(counts))):
        return None
    ordered = [contents for _, contents in sorted(zip(numbers, files, strict=True), key=_number)]
    return Grid(tuple(zip(dims, counts, strict=True)), tuple(ordered))


def nested(files: Sequence[Any], counts: Sequence[int]) -> Any:  # noqa: ANN401 - nested lists
    """Put what is in the order of a grid into lists of lists, one level a dimension."""
    found = list(files)
    for count in reversed(counts[1:]):
        found = [found[i : i + count] for i in range(0, len(found), count)]
    return found


def _number(pair: tuple[int, Contents]) -> int:
    return pair[0]


def _places(files: Sequence[Contents], dim: str) -> list[int] | None:
    """Return which of the different coordinates along `dim` each file has, in their order."""
    distinct: dict[bytes, np.ndarray[Any, Any]] = {}
    keys = []
    for contents in files:
        values = contents.decoded(f"/{dim}") if contents.is_coordinate(f"/{dim}") else None
        if values is None or not values.size or values.dtype.kind not in "iufM":
            return None
        keys.append(values.dtype.str.encode() + values.tobytes())
        distinct.setdefault(keys[-1], values)
    ranges = sorted(distinct.items(), key=lambda one: one[1][0])
    falls = any(values[0] > values[-1] for values in distinct.values())
    if falls:
        ranges.reverse()
    for (_, before), (_, after) in pairwise(ranges):
        if not (before[-1] > after[0] if falls else before[-1] < after[0]):
            return None
    place = {key: number for number, (key, _) in enumerate(ranges)}
    return [place[key] for key in keys]
