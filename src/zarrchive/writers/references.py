"""The columns of a manifest as the references of the kerchunk format, a block at a time.

See https://fsspec.github.io/kerchunk/spec.html. Nothing here runs per chunk in Python beyond one
list comprehension a block.
"""

from __future__ import annotations

import base64
import json
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from zarrchive.manifests import ChunkManifest

__all__ = ["BLOCK", "chunk_keys", "json_references", "quoted"]

BLOCK: Final = 1 << 16
"""References turned into text at a time."""
_LONGEST_TAIL: Final = 1 << 16


def quoted(text: str) -> str:
    """Return `text` as a JSON string of ASCII characters."""
    return json.dumps(text)


def chunk_keys(
    position: npt.NDArray[np.uint64], grid_shape: tuple[int, ...], *, separator: str
) -> tuple[list[str], list[str]]:
    """Return the first and the last part of the key of each chunk, such as ``4.`` and ``0.17``.

    Parameters
    ----------
    position
        Flat indices in the grid, C order.
    separator
        ``.`` or ``/``. The key of a chunk of a scalar is empty.
    """
    if not grid_shape:
        return [""] * position.size, [""] * position.size
    split = len(grid_shape) - 1
    while split > 1 and prod(grid_shape[split - 1 :]) <= _LONGEST_TAIL:
        split -= 1
    n_tail = prod(grid_shape[split:]) if split else 1
    if split == 0 or n_tail > _LONGEST_TAIL:
        split, n_tail = len(grid_shape), 1
    head, tail = np.divmod(position, np.uint64(max(n_tail, 1)))
    tails = [separator + key if key else "" for key in _all_keys(grid_shape[split:], separator)]
    heads = _keys_of(head, grid_shape[:split], separator)
    return heads, [tails[i] for i in tail.tolist()]


def _all_keys(grid_shape: tuple[int, ...], separator: str) -> list[str]:
    keys = [""]
    for count in grid_shape:
        keys = [f"{key}{separator}{i}" if key else str(i) for key in keys for i in range(count)]
    return keys


def _keys_of(
    position: npt.NDArray[np.uint64], grid_shape: tuple[int, ...], separator: str
) -> list[str]:
    if len(grid_shape) == 1:
        return list(map(str, position.tolist()))
    axes = np.unravel_index(position.astype(np.int64), grid_shape)
    return list(map(separator.join, zip(*(map(str, axis.tolist()) for axis in axes), strict=True)))


def json_references(
    manifest: ChunkManifest, prefix: str, *, separator: str, scalar_key: str
) -> Iterator[tuple[int, str]]:
    """Yield ``(number of references, JSON text)``: members of an object, each after a comma.

    Parameters
    ----------
    prefix
        What stands before the chunk's own key: ``group/array/`` or ``group/array/c/``.
    scalar_key
        Key of the only chunk of a scalar: ``0``, or nothing in Zarr v3.
    """
    before = f",{quoted(prefix)[:-1]}"
    if not manifest.grid_shape:
        before += scalar_key
    # Rows: missing (never asked for), inline, then the files.
    openers = ["", "", *(f"[{quoted(file.url)}," for file in manifest.files)]
    blobs = [f'"base64:{base64.b64encode(blob).decode()}"' for blob in manifest.inlined]
    stored = manifest.stored()
    for start in range(0, stored.position.size, BLOCK):
        block = slice(start, start + BLOCK)
        ids, offset = stored.path_id[block], stored.offset[block]
        heads, tails = chunk_keys(stored.position[block], manifest.grid_shape, separator=separator)
        rows = zip(
            heads, tails, ids.tolist(), offset.tolist(), stored.length[block].tolist(), strict=True
        )
        if int(np.min(ids)) >= FIRST_PATH:
            text = [f'{before}{h}{t}":{openers[i]}{o},{n}]' for h, t, i, o, n in rows]
        else:
            text = [
                f'{before}{h}{t}":{blobs[o]}'
                if i == INLINE
                else f'{before}{h}{t}":{openers[i]}{o},{n}]'
                for h, t, i, o, n in rows
            ]
        yield ids.size, "".join(text)
