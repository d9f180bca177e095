"""Values of one dataset: those that h5py reads against those that zarr reads, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from operator import mul
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
from h5py import h5s, h5t

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    import zarr

    from zarrchive.manifests import ManifestArray

__all__ = ["ValueComparison", "is_odd_number", "packed", "same_bits"]

Selection = tuple[slice, ...]

_MOST_BYTES: Final = 4 * 2**20
"""Of one read; of a larger dataset blocks are compared."""
_MOST_ELEMENTS: Final = 2**13
"""Of one such block."""


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """One dataset, and what zarr opens in its place."""

    dataset: h5py.Dataset
    array: ManifestArray
    opened: zarr.Array[Any]
    most_chunks: int
    """Chunks that zarr may read; of more, a sample of them."""
    suspects: Sequence[tuple[int, ...]] = ()
    """Chunks (index in the grid) that are read in any case."""

    def differences(self) -> Iterator[tuple[str, str]]:
        """Yield kind (``values`` or an outcome, see `Verdict`) and text.

        Nothing is yielded where everything is equal.
        """
        for selection in self._selections():
            theirs = mine = None
            refusal = ""
            try:
                theirs = self._truth(selection)
            except Exception as error:  # noqa: BLE001 - h5py raises what it likes
                refusal = str(error)
            try:
                mine = np.asarray(self.opened[selection], dtype=self.opened.dtype)
            except Exception as error:  # noqa: BLE001 - and so do codecs
                if theirs is not None:
                    yield "loud", f"{type(error).__name__}: {error}"
                else:
                    yield "neither", refusal
                return
            if theirs is None:
                yield "accepted", f"values at {selection}, which h5py refuses: {refusal}"
                return
            text = _difference(mine, theirs, is_odd=is_odd_number(self.dataset.id.get_type()))
            if text:
                yield "values", f"at {selection} {text}"
                return
        yield from self._beyond()

    def _selections(self) -> Iterator[Selection]:
        """Choose what to compare: everything, or blocks at the corners and of stored chunks."""
        shape = self.dataset.shape
        stored = self.array.manifest.stored().position
        is_small = self.array.nbytes <= _MOST_BYTES and self.array.manifest.size <= self.most_chunks
        if is_small or not prod(shape):
            yield tuple(slice(0, n) for n in shape)
            return
        rank = len(shape)
        chunks = self.array.chunk_shape[:rank]
        wanted = {
            *self.suspects,
            (0,) * rank,
            tuple(-(-n // c) - 1 for n, c in zip(shape, chunks, strict=True)),
        }
        picks = np.linspace(0, len(stored) - 1, min(len(stored), self.most_chunks)).astype(int)
        for position in stored[picks].tolist():
            index = np.unravel_index(position, self.array.manifest.grid_shape)
            wanted.add(tuple(int(i) for i in index[:rank]))
        for index in sorted(wanted):
            yield _block(tuple(map(mul, index, chunks)), chunks, shape)

    def _truth(self, selection: Selection) -> npt.NDArray[Any]:
        """Read with h5py; types that it cannot name are converted by HDF5 to ours."""
        nbytes = prod(s.stop - s.start for s in selection) * self.dataset.id.get_type().get_size()
        if nbytes > 2 * _MOST_BYTES:
            raise MemoryError(f"{nbytes} bytes")
        try:
            dtype = self.dataset.dtype
            is_known = dtype.kind != "V" or dtype.names is not None or dtype.subdtype is not None
        except TypeError:
            dtype, is_known = self.array.dtype, False
        if is_known:
            values = self.dataset[selection if self.dataset.shape else ()]
            return np.asarray(values, dtype=object if dtype.kind == "O" else None)
        return self._converted(selection, dtype)

    def _converted(self, selection: Selection, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        space = self.dataset.id.get_space()
        counts = tuple(s.stop - s.start for s in selection)
        if counts:
            space.select_hyperslab(tuple(s.start for s in selection), counts)
        tid = self.dataset.id.get_type()
        memory = tid if dtype.kind == "V" else h5t.py_create(dtype)
        values = np.zeros(counts, dtype)
        target = h5s.create_simple(counts) if counts else h5s.create(h5s.SCALAR)
        self.dataset.id.read(target, space, values, memory)
        return values

    def _beyond(self) -> Iterator[tuple[str, str]]:
        """Check what is shown beyond the end that HDF5 has: fill values, as netCDF does."""
        shape = self.dataset.shape
        full = self.array.shape[: len(shape)]
        if full == shape or self.array.manifest.size > self.most_chunks:
            return
        outside = np.ones(full, dtype=bool)
        outside[tuple(slice(n) for n in shape)] = False
        values = np.asarray(self.opened[...])[outside]
        fill = self.dataset.fillvalue
        if isinstance(fill, bytes) and values.dtype.kind != "S":
            fill = fill.decode()
        if not (values == fill).all():
            yield "values", "beyond the end in HDF5 are not the fill value"


def _block(start: tuple[int, ...], chunks: tuple[int, ...], shape: tuple[int, ...]) -> Selection:
    """Return the part of one chunk that lies within `shape`, cut to some thousand elements."""
    block: list[slice] = []
    room = _MOST_ELEMENTS
    for first, length, end in reversed(list(zip(start, chunks, shape, strict=True))):
        count = max(0, min(length, end - first, room))
        room = max(1, room // max(count, 1))
        block.append(slice(first, first + count))
    return tuple(reversed(block))


def _difference(mine: npt.NDArray[Any], theirs: npt.NDArray[Any], *, is_odd: bool) -> str:
    if theirs.dtype.kind == "O" and mine.dtype.kind in "TO":
        theirs = np.frompyfunc(_decoded, 1, 1)(theirs) if theirs.size else theirs
        theirs, mine = np.asarray(theirs, dtype=object), np.asarray(mine, dtype=object)
    if mine.shape != theirs.shape:
        return f"have shape {mine.shape}, h5py has {theirs.shape}"
    if same_bits(mine, theirs, is_odd=is_odd):
        return ""
    return f"are {mine!r:.300}, h5py has {theirs!r:.300}"


def _decoded(raw: Any) -> str:
    return raw.decode("utf-8", "replace") if raw else ""


def same_bits(mine: npt.NDArray[Any], theirs: npt.NDArray[Any], *, is_odd: bool = False) -> bool:
    """Say whether two arrays have the same type, but for the byte order, and the same bits.

    Of odd numbers (see `is_odd_number`) h5py may choose a type too small to hold them; a larger
    one of the same values is right, too.
    """
    if "O" in {mine.dtype.kind, theirs.dtype.kind} or mine.dtype.kind == "T":
        return mine.dtype.kind in "OT" and bool(mine.tolist() == theirs.tolist())
    wanted = packed(theirs.dtype)
    if mine.dtype == wanted == np.dtype(bool):
        # Damaged ones are other bytes than 0 and 1, and all the same true.
        return bool((mine.view(np.uint8).astype(bool) == theirs.view(np.uint8).astype(bool)).all())
    if mine.dtype.newbyteorder("=") == wanted:
        return mine.tobytes() == theirs.astype(mine.dtype).tobytes()
    if wanted.kind == mine.dtype.kind == "f" and wanted.itemsize > 8:
        # Long doubles are kept as float64 where that is exact.
        return bool(np.array_equal(mine.astype(wanted), theirs, equal_nan=True))
    if is_odd and np.can_cast(wanted, mine.dtype):
        with np.errstate(all="ignore"):
            return mine.astype(wanted).tobytes() == theirs.astype(wanted).tobytes()
    return False


def is_odd_number(tid: h5t.TypeID) -> bool:
    """Say whether a datatype is a number that NumPy has no type for, bit by bit."""
    if tid.get_class() == h5t.ARRAY:
        tid = tid.get_super()
    if tid.get_class() not in {h5t.INTEGER, h5t.FLOAT}:
        return False
    try:
        return not tid.equal(h5t.py_create(tid.dtype))
    except TypeError:
        return True


def packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in the byte order of this machine, without gaps or h5py's metadata."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((packed(base), shape))
    if dtype.names is None:
        return np.dtype(dtype.newbyteorder("=").str)
    return np.dtype([(name, packed(dtype[name])) for name in dtype.names])
