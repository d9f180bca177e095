"""Chunks of a virtual dataset that are whole chunks, or runs of bytes, of its sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.codecs.hdf5 import encode
from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE, ChunkManifest
from zarrchive.readers.hdf5.storage import Absent, Referenced
from zarrchive.readers.hdf5.virtual_mappings import Misfit
from zarrchive.readers.hdf5.virtual_parts import raw_chunk
from zarrchive.readers.hdf5.virtual_runs import chunks_of_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.location.identity import SourceFile
    from zarrchive.readers.hdf5.virtual_parts import Part, Target

__all__ = ["referenced"]

_MOST_CHUNKS: Final = 2**26
_SMALL_CHUNK, _MOST_SMALL_CHUNKS = 2**12, 2**16
_LARGEST_FILL: Final = 2**24
"""Bytes of a chunk of fill values that is made up and kept inline."""


def referenced(target: Target, parts: Sequence[Part]) -> Referenced | Absent:
    """Refer to the chunks of all parts; what no part covers is missing.

    Raises `Misfit` where the chunks of some source are no chunks of the whole.
    """
    stored = [part for part in parts if isinstance(part.storage, Referenced)]
    if not stored and all(part.fill == target.fill for part in parts):
        return Absent(tuple(max(1, n) for n in target.shape), prod(target.shape))
    codecs = _common_codecs(stored)
    chunk = _common_chunk(target, parts)
    nbytes = prod(chunk) * target.dtype.itemsize
    table = _Table(target, chunk, codecs, nbytes)
    for part in parts:
        table.add(part)
    manifest = table.manifest()
    if not manifest.nstored:
        return Absent(chunk, prod(target.shape))
    return Referenced(manifest, chunk, codecs)


def _common_codecs(parts: Sequence[Part]) -> tuple[CodecDocument, ...]:
    found: tuple[CodecDocument, ...] | None = None
    for part in parts:
        if isinstance(part.storage, Referenced):
            if found is not None and found != part.storage.codecs:
                raise Misfit(f"{part.name} is encoded in another way than those before it")
            found = part.storage.codecs
    return found or ()


def _common_chunk(target: Target, parts: Sequence[Part]) -> tuple[int, ...]:
    """Return the chunk shape that all parts can have."""
    found: tuple[int, ...] | None = None
    for part in parts:
        if part.raw is not None or isinstance(part.storage, Absent):
            continue
        own = part.storage.chunk_shape
        chunk = tuple(1 if axis is None else own[axis] for axis in part.axes)
        thick = [axis for axis in part.rest if own[axis] != 1]
        if thick or found not in {None, chunk}:
            wanted = "" if found is None else f", not {found}"
            raise Misfit(f"{part.name} has chunks of {own} in a shape of {part.shape}{wanted}")
        found = chunk
    return raw_chunk(target, parts) if found is None else found


@dataclass(slots=True)
class _Table:
    """The columns of the manifest, part by part."""

    target: Target
    chunk: tuple[int, ...]
    codecs: tuple[CodecDocument, ...]
    chunk_nbytes: int
    files: dict[SourceFile, int] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)
    columns: list[tuple[npt.NDArray[np.uint64], ...]] = field(default_factory=list)
    """Position, path id, offset and length; path id 0 for what is missing in a part."""
    n_chunks: int = 0

    @property
    def grid(self) -> tuple[int, ...]:
        return _grid(self.target.shape, self.chunk)

    def add(self, part: Part) -> None:
        """Add the chunks of a part. Raises `Misfit` where it has none of this shape."""
        try:
            along = [
                chunks_of_runs(runs, chunk, size)
                for runs, chunk, size in zip(part.runs, self.chunk, self.target.shape, strict=True)
            ]
        except Misfit as error:
            raise Misfit(f"{part.name}: {error}") from error
        self.n_chunks += prod(number.size for number, _ in along)
        self._check_count(part)
        position = _outer([n * stride for (n, _), stride in zip(along, _strides(self.grid))])  # noqa: B905 - grid has the rank of `along`
        sources = [source for _, source in along]
        if isinstance(part.storage, Absent):
            self._add_unwritten(part, position)
        elif part.raw is not None:
            self._add_raw(part, position, sources)
        else:
            self._add_chunks(part, part.storage, position, sources)

    def _check_count(self, part: Part) -> None:
        # Chunks of a source are as many as they are; bytes without chunks are not cut that fine.
        is_fine = part.raw is not None and self.chunk_nbytes < _SMALL_CHUNK
        most = _MOST_SMALL_CHUNKS if is_fine else _MOST_CHUNKS
        if self.n_chunks > most:
            raise Misfit(
                f"{part.name}: more than {most} references would be needed, of "
                f"{self.chunk_nbytes} bytes each"
            )

    def _add_raw(
        self, part: Part, position: npt.NDArray[np.int64], sources: list[npt.NDArray[np.int64]]
    ) -> None:
        pairs = zip(part.runs, self.chunk, strict=True)
        if part.raw is None or any((runs.length % chunk).any() for runs, chunk in pairs):
            raise Misfit(f"{part.name} ends within a chunk of {self.chunk}, and has no padding")
        strides = _strides(part.shape)
        offset = self._in_source(part, sources, strides) * self.target.dtype.itemsize
        self._append(position, self._path_id(part.raw.file), offset + part.raw.offset)

    def _add_chunks(
        self,
        part: Part,
        storage: Referenced,
        position: npt.NDArray[np.int64],
        sources: list[npt.NDArray[np.int64]],
    ) -> None:
        for source, chunk in zip(sources, self.chunk, strict=True):
            if (source % chunk).any():
                raise Misfit(f"{part.name} begins within a chunk of its source, of {self.chunk}")
        numbers = [source // chunk for source, chunk in zip(sources, self.chunk, strict=True)]
        grid = _grid(part.shape, storage.chunk_shape)
        wanted = self._in_source(part, numbers, _strides(grid)).astype(np.uint64)
        stored = storage.manifest.stored()
        row = np.minimum(np.searchsorted(stored.position, wanted), stored.position.size - 1)
        is_there = stored.position[row] == wanted
        self._add_unwritten(part, position[~is_there])
        row = row[is_there]
        first_blob = len(self.blobs)
        self.blobs.extend(storage.manifest.inlined)
        ids, offset = stored.path_id[row], stored.offset[row].copy()
        offset[ids == INLINE] += np.uint64(first_blob)
        table = [0] * FIRST_PATH
        table[INLINE] = INLINE
        table += [self._path_id(file) for file in storage.manifest.files]
        self._append(position[is_there], np.array(table)[ids], offset, stored.length[row])

    def _add_unwritten(self, part: Part, position: npt.NDArray[np.int64]) -> None:
        """Add chunks that the source has not: they read as its fill value."""
        if part.fill == self.target.fill or not position.size:
            self._append(position, 0, 0, 0)
            return
        if self.chunk_nbytes > _LARGEST_FILL:
            raise Misfit(
                f"{part.name} has chunks of {self.chunk} that were never written, and "
                "another fill value than the virtual dataset"
            )
        blob = encode(self.codecs, part.fill * prod(self.chunk))
        self._append(position, INLINE, len(self.blobs), len(blob))
        self.blobs.append(blob)

    def _in_source(
        self,
        part: Part,
        along: list[npt.NDArray[np.int64]],
        strides: Sequence[int],
    ) -> npt.NDArray[np.int64]:
        """Return flat indices in the source, of chunks or elements."""
        terms = [
            np.zeros_like(one) if axis is None else one * strides[axis]
            for one, axis in zip(along, part.axes, strict=True)
        ]
        return _outer(terms) + sum(start * strides[axis] for axis, start in part.rest.items())

    def _path_id(self, file: SourceFile) -> int:
        return FIRST_PATH + self.files.setdefault(file, len(self.files))

    def _append(
        self,
        position: npt.NDArray[np.int64],
        path_id: npt.ArrayLike,
        offset: npt.ArrayLike,
        length: npt.ArrayLike | None = None,
    ) -> None:
        lengths = self.chunk_nbytes if length is None else length
        columns = np.broadcast_arrays(position, path_id, offset, lengths)
        self.columns.append(tuple(column.astype(np.uint64) for column in columns))

    def manifest(self) -> ChunkManifest:
        """Build the manifest. Raises `Misfit` where parts lie over each other."""
        columns = [np.concatenate(column) for column in zip(*self.columns, strict=True)]
        position, path_id, offset, length = columns
        if np.unique(position).size != position.size:
            raise Misfit("some of its mappings lie over each other")
        is_there = path_id > 0
        return ChunkManifest.from_columns(
            self.grid,
            files=tuple(self.files),
            path_id=path_id[is_there].astype(np.uint32),
            offset=offset[is_there],
            length=length[is_there],
            positions=position[is_there],
            inlined=self.blobs,
        )


def _grid(shape: tuple[int, ...], chunk: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-size // one) for size, one in zip(shape, chunk, strict=True))


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _outer(terms: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Return all sums of one term of each, in C order."""
    return reduce(lambda sums, one: np.add.outer(sums, one).reshape(-1), terms)
