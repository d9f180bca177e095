"""The columns of a manifest as the parquet tables of the kerchunk format.

Columns: ``path``, ``offset``, ``size`` of a reference; ``raw``, the bytes of an inline chunk;
``path`` and ``raw`` are null for a chunk that is not stored. fsspec reads the tables with
fastparquet, so encodings are those that it reads right: it garbles delta-encoded integers beyond
32 bits.
"""

from __future__ import annotations

import base64
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import Problem
from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from zarrchive.manifests import ChunkManifest

__all__ = [
    "RECORD_SIZE",
    "problem_of_pyarrow",
    "reference_tables",
    "table_count",
    "write_table",
]

RECORD_SIZE: Final = 100_000
"""Rows of one table."""
_BASE64: Final = b"base64:"


def problem_of_pyarrow(where: str) -> list[Problem]:
    """Return a problem where parquet cannot be written for want of pyarrow."""
    if find_spec("pyarrow") is not None:
        return []
    return [
        Problem(
            code="parquet-missing",
            where=where,
            what="parquet is written with pyarrow, which is not installed",
            hint="pip install 'zarrchive[parquet]', or write JSON",
        )
    ]


def table_count(manifest: ChunkManifest) -> int:
    """Return the number of tables of an array: readers expect all, also empty ones."""
    return -(-manifest.size // RECORD_SIZE)


def reference_tables(manifest: ChunkManifest) -> Iterator[tuple[int, Any]]:
    """Yield ``(number of chunks that are stored, pyarrow table)`` for each record."""
    stored = manifest.stored()
    urls = np.array([file.url for file in manifest.files], dtype=object)
    raws = _raw_values(manifest)
    for start in range(0, manifest.size, RECORD_SIZE):
        stop = min(start + RECORD_SIZE, manifest.size)
        first, last = np.searchsorted(stored.position, np.array([start, stop], dtype=np.uint64))
        rows = slice(int(first), int(last))
        at = stored.position[rows] - np.uint64(start)
        columns = [np.zeros(stop - start, dtype=np.int64) for _ in range(3)]
        values = (stored.path_id[rows], stored.offset[rows], stored.length[rows])
        for column, value in zip(columns, values, strict=True):
            column[at] = value
        yield int(last - first), _table(*columns, urls=urls, raws=raws)


def write_table(table: Any, path: Path) -> None:  # noqa: ANN401 - pyarrow is optional
    """Write one table."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - optional dependency

    pq.write_table(
        table,
        path,
        compression="zstd",
        # Without these, fastparquet takes the integers for floating point.
        write_statistics=["offset", "size"],
        use_dictionary=["path", "raw"],
    )


def _raw_values(manifest: ChunkManifest) -> npt.NDArray[np.object_]:
    """Return the inline chunks, and after them an empty one, as readers must find them."""
    raws = np.empty(len(manifest.inlined) + 1, dtype=object)
    # fsspec decodes what begins like this, so such a chunk is written encoded.
    raws[:] = [
        _BASE64 + base64.b64encode(blob) if blob.startswith(_BASE64) else blob
        for blob in (*manifest.inlined, b"")
    ]
    return raws


def _table(
    path_id: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    size: npt.NDArray[np.int64],
    *,
    urls: npt.NDArray[np.object_],
    raws: npt.NDArray[np.object_],
) -> Any:  # noqa: ANN401 - pyarrow is optional
    import pyarrow as pa  # noqa: PLC0415 - optional dependency

    # A reference to no bytes at offset 0 would be read as one to the whole file.
    is_empty = (path_id >= FIRST_PATH) & (size == 0)
    is_inline = (path_id == INLINE) | is_empty
    is_reference = (path_id >= FIRST_PATH) & ~is_empty
    row = np.where(is_empty, len(raws) - 1, offset)
    columns = [
        _dictionary(path_id - FIRST_PATH, is_reference, urls, pa.string()),
        pa.array(np.where(is_reference, offset, 0)),
        pa.array(np.where(is_reference, size, 0)),
        # As a categorical, readers on pyarrow would get NaN for null.
        _dictionary(row, is_inline, raws, pa.binary()).dictionary_decode(),
    ]
    return pa.table(columns, names=["path", "offset", "size", "raw"])


def _dictionary(
    code: npt.NDArray[np.int64],
    is_used: npt.NDArray[np.bool_],
    values: npt.NDArray[np.object_],
    kind: Any,  # noqa: ANN401 - pyarrow is optional
) -> Any:  # noqa: ANN401
    """Return a dictionary column of ``values[code]``, null where not `is_used`."""
    import pyarrow as pa  # noqa: PLC0415 - optional dependency

    used, index = np.unique(code[is_used], return_inverse=True)
    codes = np.zeros(code.size, dtype=np.int32)
    codes[is_used] = index
    dictionary = pa.array(values[used].tolist(), kind)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=~is_used), dictionary)
