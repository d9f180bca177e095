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

from zarrchive.manifests.chunk_manifest import FIRST_PATH

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
) -> tuple[list[str], npt.NDArray[np.intp], list[str], npt.NDArray[np.intp]]:
    """Return the keys of chunks as first and last part, such as ``4`` and ``.0.17``.

    Either part is a table of texts and, for each chunk, a row of it: chunks that follow each
    other share the first part, and the last parts are few.

    Parameters
    ----------
    position
        Flat indices in the grid, C order, increasing.
    separator
        ``.`` or ``/``. The key of the chunk of a scalar is empty.
    """
    if not grid_shape:
        none = np.zeros(position.size, dtype=np.intp)
        return [""], none, [""], none
    split = len(grid_shape)
    while split > 1 and prod(grid_shape[split - 1 :]) <= _LONGEST_TAIL:
        split -= 1
    n_tail = max(prod(grid_shape[split:]), 1)
    head, tail = np.divmod(position.astype(np.int64), n_tail)
    distinct, row = np.unique(head, return_inverse=True)
    axes = np.unravel_index(distinct, grid_shape[:split])
    texts = (map(str, axis.tolist()) for axis in axes)
    heads = [separator.join(parts) for parts in zip(*texts, strict=True)]
    tails = [""]
    for count in grid_shape[split:]:
        tails = [f"{text}{separator}{i}" for text in tails for i in range(count)]
    return heads, row.reshape(-1), tails, tail.astype(np.intp)


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
        heads, head, tails, tail = chunk_keys(
            stored.position[block], manifest.grid_shape, separator=separator
        )
        ids = stored.path_id[block]
        rows = zip(
            map([f"{before}{text}" for text in heads].__getitem__, head.tolist()),
            map([f'{text}":' for text in tails].__getitem__, tail.tolist()),
            map(openers.__getitem__, ids.tolist()),
            stored.offset[block].tolist(),
            stored.length[block].tolist(),
            strict=True,
        )
        if int(np.min(ids)) >= FIRST_PATH:
            text = [f"{h}{t}{url}{o},{n}]" for h, t, url, o, n in rows]
        else:
            text = [
                f"{h}{t}{url}{o},{n}]" if url else f"{h}{t}{blobs[o]}" for h, t, url, o, n in rows
            ]
        yield ids.size, "".join(text)
