"""Chunk indexes of datasets that are alike, read together.

A file of many variables has as many small trees. What takes time for each of them is not their
chunks, but each step of decoding, which is as quick for all trees at once.
"""

from __future__ import annotations

from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.chunk_btree import forest_chunks
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.file_bytes import HeldBytes, run
from zarrchive.readers.hdf5.layout_message import BTREE_V1, Chunked
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["read_forests"]

_FEW: Final = 3
"""Trees that are read one by one."""
_LARGE: Final = 2**16
"""Chunks of a dataset whose tree takes its time anyway."""
_MOST: Final = 2**20
"""Chunks that are decoded at a time."""


def read_forests(file: OpenFile, datasets: Iterable[Facts]) -> None:
    """List the chunks of datasets with the same grid, where that is quicker than one by one.

    What cannot be read so, is left: it is read by itself, and what is wrong is said then.
    """
    data = file.data
    if not isinstance(data, HeldBytes):
        return  # what is fetched is fetched for all at once in any case
    forests: dict[tuple[object, ...], list[tuple[Facts, Chunked]]] = {}
    for one in datasets:
        layout = one.layout
        if isinstance(layout, Chunked) and layout.index == BTREE_V1 and layout.address is not None:
            key = one.shape, layout.chunk_shape, layout.element_size
            forests.setdefault(key, []).append((one, layout))
    least = 2 * file.superblock.chunk_k  # one node lists as many
    for trees in forests.values():
        first, layout = trees[0]
        grid = grid_of(first.shape or (), layout.chunk_shape)
        if len(trees) < _FEW or not least < prod(grid) < _LARGE:
            continue
        at_once = _MOST // prod(grid)
        for start in range(0, len(trees), at_once):
            some = trees[start : start + at_once]
            addresses = [layout.address or 0 for _, layout in some]
            with suppress(Trouble, *PARSE_ERRORS):
                tables = run(forest_chunks(file.superblock, layout, grid, addresses), data)
                for (one, _), table in zip(some, tables, strict=True):
                    one.table = table
