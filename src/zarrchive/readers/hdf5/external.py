"""External storage: values of a dataset that are in other files, as raw bytes (H5Pset_external).

Follows the HDF5 File Format Specification 3.0, §IV.A.2.h (data storage, external data files):
the parts follow each other, and what lies behind the end of one of the files reads as zeros.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from math import gcd, prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.errors import LocationError
from zarrchive.location.beside import open_beside
from zarrchive.location.source import get_range
from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE, MISSING, ChunkManifest
from zarrchive.readers.hdf5.external_files import read_external_files
from zarrchive.readers.hdf5.fill import fill_value
from zarrchive.readers.hdf5.inlining import one_chunk
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import NotUnderstood
from zarrchive.readers.hdf5.storage import Absent, Inlined, Referenced, Refused
from zarrchive.readers.hdf5.stored_floats import InexactError
from zarrchive.readers.hdf5.stored_values import decode
from zarrchive.readers.limits import SMALL, WANTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.location.source import Source
    from zarrchive.readers.hdf5.external_files import ExternalFile
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["external"]

_MOST_CHUNKS: Final = 2**20


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of the bytes of a dataset, in another file."""

    start: int
    """Bytes of the dataset before it."""
    length: int
    offset: int
    source: Source

    @property
    def available(self) -> int:
        """How many bytes of it the file has; the others read as zeros."""
        return min(self.length, max(0, self.source.size - self.offset))

    def read(self, start: int, length: int) -> bytes:
        """Read bytes from `start`, counted from the beginning of the dataset."""
        within = start - self.start
        there = min(length, max(0, self.available - within))
        data = get_range(self.source, self.offset + within, there) if there else b""
        return data.ljust(length, b"\0")


def external(facts: Facts, *, is_wanted: bool) -> Steps[Storage]:
    """Refer to the bytes of a dataset in the files where they are, or hold them if need be.

    The files have to be in the folder of its file or below it: relative names begin there.
    """
    if facts.kind.is_vlen_string:
        return _refused("its values are text of varying length in other files")
    if not facts.external:
        raise NotUnderstood("only HDF5 understands its header, and that follows names anywhere")
    files = yield from read_external_files(facts.file.superblock, facts.external)
    size = int.from_bytes(facts.datatype[4:8], "little")
    nbytes = prod(facts.shape or ()) * size
    if not nbytes:
        return Absent(one_chunk(facts.full_shape), 0)
    with ExitStack() as stack:
        try:
            parts = _parts(facts, files, nbytes, stack)
        except LocationError as error:
            problem = error.problem
            return _refused(
                f"its values are in another file: {problem.where}: {problem.what}", problem.hint
            )
        covered = parts[-1].start + parts[-1].length if parts else 0
        if covered < nbytes:
            return _refused(f"its values take {nbytes} bytes, but its other files have {covered}")
        if nbytes <= _inline_limit(facts, is_wanted=is_wanted):
            return _inlined(facts, parts)
        if facts.kind.reason is not None:
            return Refused(facts.kind.reason)
        return _referenced(facts, parts, nbytes)


def _parts(
    facts: Facts, files: Sequence[ExternalFile], nbytes: int, stack: ExitStack
) -> list[_Part]:
    """Open the files that hold the first `nbytes` bytes."""
    opened: dict[str, Source] = {}
    parts: list[_Part] = []
    start = 0
    for name, offset, size in files:
        if start >= nbytes:
            break
        if name not in opened:
            opened[name] = stack.enter_context(open_beside(facts.file.source, name))
        length = nbytes - start if size is None else min(size, nbytes - start)
        if length:
            parts.append(_Part(start, length, offset, opened[name]))
        start += length
    return parts


def _inline_limit(facts: Facts, *, is_wanted: bool) -> int:
    if is_wanted or not facts.shape:
        return WANTED
    is_exact = facts.kind.reason is None and facts.kind.caution is None
    return -1 if is_exact else SMALL


def _inlined(facts: Facts, parts: Sequence[_Part]) -> Inlined | Refused:
    raw = b"".join(part.read(part.start, part.length) for part in parts)
    try:
        values = decode(facts.datatype, raw, prod(facts.shape or ()))
    except InexactError as error:
        return _refused(f"its values are in other files, and Zarr cannot hold them: {error}")
    chunk_shape = one_chunk(facts.full_shape)
    manifest = ChunkManifest.of_bytes((1,) * len(chunk_shape), values.tobytes())
    return Inlined(manifest, chunk_shape)


def _referenced(facts: Facts, parts: Sequence[_Part], nbytes: int) -> Storage:
    """Refer to chunks that do not pass from one part to the next."""
    shape = facts.full_shape
    itemsize = nbytes // prod(shape)
    cuts = [part.start for part in parts]
    row = nbytes // shape[0]
    ends = [(part.start + part.available) // row * row for part in parts]
    for more in ([], [end for end in ends if end < nbytes]):
        chunk = _chunk_shape(shape, itemsize, gcd(*cuts, *more))
        if chunk is None:
            break
        grid = tuple(size // one for size, one in zip(shape, chunk, strict=True))
        manifest = _manifest(parts, grid, prod(chunk) * itemsize, fill=_fill(facts))
        if manifest is not None:
            return Referenced(manifest, chunk)
    if nbytes <= SMALL:
        return _inlined(facts, parts)
    return _refused(
        f"its values are in {len(parts)} parts of other files, which begin at bytes {cuts[:5]} "
        f"of it and have {[part.available for part in parts[:5]]} bytes: no chunks fit them; up "
        f"to {SMALL} bytes of such values are held"
    )


def _chunk_shape(shape: tuple[int, ...], itemsize: int, nbytes: int) -> tuple[int, ...] | None:
    """Return the largest chunk that is one run of bytes, and of which `nbytes` are a multiple."""
    chunk = [1] * len(shape)
    run = itemsize
    for axis in reversed(range(len(shape))):
        if nbytes % run:
            return None
        chunk[axis] = gcd(shape[axis], nbytes // run)
        run *= chunk[axis]
        if chunk[axis] != shape[axis]:
            break
    return tuple(chunk)


def _fill(facts: Facts) -> bytes | None:
    """Return one unwritten element, as bytes of the type of the values."""
    value = fill_value(facts)
    return None if value is None else np.asarray(value, dtype=facts.kind.dtype).tobytes()


def _manifest(
    parts: Sequence[_Part], grid: tuple[int, ...], nbytes: int, *, fill: bytes | None
) -> ChunkManifest | None:
    """Find the chunks of `nbytes` each; None where too much of them would have to be held."""
    if prod(grid) > _MOST_CHUNKS:
        return None
    start = np.arange(prod(grid), dtype=np.int64) * nbytes
    columns = np.array([(p.start, p.offset, p.available) for p in parts], dtype=np.int64)
    row = np.searchsorted(columns[:, 0], start, side="right") - 1
    within = start - columns[row, 0]
    is_whole = within + nbytes <= columns[row, 2]
    is_cut = ~is_whole & (within < columns[row, 2])
    is_behind = ~is_whole & ~is_cut
    # What lies behind the end of a file is zeros, whatever the fill value is.
    needs_zeros = is_behind.any() and (fill is None or any(fill))
    if (np.count_nonzero(is_cut) + needs_zeros) * nbytes > SMALL:
        return None
    held = [parts[row[at]].read(int(start[at]), nbytes) for at in np.flatnonzero(is_cut)]
    path_id = np.full(start.size, MISSING, dtype=np.uint32)
    offset = np.zeros(start.size, dtype=np.int64)
    path_id[is_whole] = FIRST_PATH + row[is_whole]
    offset[is_whole] = (columns[row, 1] + within)[is_whole]
    path_id[is_cut] = INLINE
    offset[is_cut] = np.arange(len(held))
    if needs_zeros:
        path_id[is_behind] = INLINE
        offset[is_behind] = len(held)
        held.append(bytes(nbytes))
    is_there = path_id != MISSING
    return ChunkManifest.from_columns(
        grid,
        files=[part.source.file for part in parts],
        path_id=path_id[is_there],
        offset=offset[is_there].astype(np.uint64),
        length=np.full(int(is_there.sum()), nbytes, dtype=np.uint64),
        positions=np.flatnonzero(is_there).astype(np.uint64),
        inlined=held,
    )


def _refused(what: str, hint: str = "") -> Refused:
    return Refused(
        Reason(
            code="hdf5-external-storage",
            what=what,
            hint=hint or "read this variable with h5py, or write it into one file with h5repack",
        )
    )
