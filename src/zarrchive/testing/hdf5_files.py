"""HDF5 files for tests: strategies that write them, and h5py as the judge of a reader."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
from h5py import h5d, h5s, h5t
from hypothesis import strategies as st

from zarrchive.manifests.values import values_of
from zarrchive.testing.hdf5.judged_values import same_bits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zarrchive.manifests import ManifestGroup

__all__ = [
    "DatasetRecipe",
    "dataset_recipes",
    "differences_from_h5py",
    "type_ids",
    "write_low_level",
]

_PURE_DIMENSION: Final = b"This is a netCDF dimension but not a netCDF variable"
_LIBVERS: Final = ("earliest", "v108", "v110", "latest")


@dataclass(frozen=True, kw_only=True)
class DatasetRecipe:
    """All choices behind one HDF5 dataset; `write` follows them."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    max_shape: tuple[int | None, ...] | None
    filters: tuple[str, ...]
    fill: int | None
    written: tuple[slice, ...] | None
    """Region that is written; None: nothing is."""
    libver: str
    track_order: bool
    user_block: int
    seed: int

    def write(self, path: Path, name: str = "x") -> None:
        """Write a file with this one dataset."""
        with h5py.File(
            path,
            "w",
            libver=self.libver,
            track_order=self.track_order,
            userblock_size=self.user_block,
        ) as file:
            dataset = file.create_dataset(name, **self._creation())
            if self.written is not None and dataset.size:
                dataset[self.written] = self._values(dataset[self.written].shape)

    def _creation(self) -> dict[str, Any]:
        keywords: dict[str, Any] = {"shape": self.shape, "dtype": self.dtype}
        if self.chunks is not None:
            keywords |= {"chunks": self.chunks, "maxshape": self.max_shape}
            for step in self.filters:
                keywords |= _FILTERS[step]
        if self.fill is not None:
            keywords["fillvalue"] = np.array(self.fill).astype(self.dtype)
        return keywords

    def _values(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Return random bits of the dtype: every NaN payload, every byte of a string but NUL."""
        random = np.random.default_rng(self.seed)
        if self.dtype.kind == "b":
            return random.integers(0, 2, shape).astype(bool)
        low = 1 if self.dtype.kind == "S" else 0
        raw = random.integers(low, 256, prod(shape) * self.dtype.itemsize).astype(np.uint8)
        return raw.view(self.dtype).reshape(shape)


_FILTERS: Final[dict[str, dict[str, Any]]] = {
    "gzip": {"compression": "gzip"},
    "gzip-9": {"compression": "gzip", "compression_opts": 9},
    "shuffle": {"shuffle": True},
    "fletcher32": {"fletcher32": True},
}

_DTYPES: Final = (
    *("i1", "u1", "?", "S1", "S5"),
    *(f"{order}{code}" for order in "<>" for code in ("i2", "u4", "i8", "f2", "f4", "f8", "c8")),
    "V3",
    "i4,f8,S3",
)


@st.composite
def dataset_recipes(draw: st.DrawFn) -> DatasetRecipe:
    """Datasets of every type, layout, chunk index and filter pipeline that is referenced."""
    shape: tuple[int, ...] = tuple(draw(st.lists(st.integers(0, 9), max_size=3)))
    dtype = np.dtype(draw(st.sampled_from(_DTYPES)))
    chunks: tuple[int, ...] | None = None
    max_shape: tuple[int | None, ...] | None = None
    filters: tuple[str, ...] = ()
    is_chunked = draw(st.booleans())
    if shape and is_chunked:
        chunks = tuple(draw(st.integers(1, 4)) for _ in shape)
        limits = [(n, n + 5, None) for n in shape]
        max_shape = tuple(draw(st.sampled_from(choice)) for choice in limits)
        # A chunk may not be longer than a dimension that cannot grow to its size.
        chunks = tuple(
            max(1, c if m is None else min(c, m)) for c, m in zip(chunks, max_shape, strict=True)
        )
        max_shape = tuple(None if m == 0 else m for m in max_shape)
        filters = tuple(sorted(draw(st.sets(st.sampled_from(list(_FILTERS))))))
    written = None
    if draw(st.integers(0, 5)):
        written = tuple(
            slice(*sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n))))) for n in shape
        )
    return DatasetRecipe(
        dtype=dtype,
        shape=shape,
        chunks=chunks,
        max_shape=max_shape,
        filters=filters,
        fill=draw(st.none() | st.integers(0, 1)) if dtype.kind in "iufcb" else None,
        written=written,
        libver=draw(st.sampled_from(_LIBVERS)),
        track_order=draw(st.booleans()),
        user_block=draw(st.sampled_from([0, 512])),
        seed=draw(st.integers(0, 2**16)),
    )


def type_ids() -> dict[str, h5t.TypeID]:
    """Return datatypes that NumPy cannot say, by a name for the test."""
    twelve_bits = h5t.STD_I16LE.copy()
    twelve_bits.set_precision(12)
    shifted = h5t.STD_U16LE.copy()
    shifted.set_precision(12)
    shifted.set_offset(4)
    three_bytes = h5t.STD_I32BE.copy()
    three_bytes.set_precision(24)
    three_bytes.set_size(3)
    bfloat16 = h5t.IEEE_F32LE.copy()
    bfloat16.set_fields(15, 7, 8, 0, 7)
    bfloat16.set_size(2)
    return {
        "twelve bits": twelve_bits,
        "twelve bits at bit 4": shifted,
        "three bytes": three_bytes,
        "bfloat16": bfloat16,
    }


def write_low_level(
    file: h5py.File, name: str, tid: h5t.TypeID, values: np.ndarray[Any, Any]
) -> None:
    """Write `values` as a dataset of any HDF5 datatype, converted by HDF5."""
    dataset = h5d.create(file.id, name.encode(), tid, h5s.create_simple(values.shape))
    dataset.write(h5s.ALL, h5s.ALL, values)


def differences_from_h5py(path: Path | str, group: ManifestGroup) -> list[str]:
    """Compare every dataset of a file with what a reader made of it, bit for bit.

    A dataset may be missing from `group` only where a Problem names it, or if it is a netCDF
    dimension without values. Along unlimited dimensions the reader may show more than HDF5
    has: fill values, as netCDF does.
    """
    arrays = {
        f"{place.rstrip('/')}/{name}": array
        for place, node in group.walk()
        for name, array in node.arrays.items()
    }
    excused = {problem.variable for problem in group.all_problems()}
    found: list[str] = []
    with h5py.File(path, "r") as file:
        for name, dataset in _datasets(file):
            array = arrays.get(name)
            if array is None:
                is_hidden = dataset.attrs.get("NAME", b"").startswith(_PURE_DIMENSION)
                if not is_hidden and name not in excused:
                    found.append(f"{name} is missing without a Problem")
                continue
            found.extend(f"{name}: {text}" for text in _differences(values_of(array), dataset))
    return found


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Iterate over all datasets under every name that a link gives them."""
    pending: list[tuple[str, h5py.Group, tuple[h5py.Group, ...]]] = [("", file, ())]
    while pending:
        base, group, above = pending.pop()
        for name in group:
            try:
                child = group.get(name)
            except RuntimeError:  # a link to itself
                continue
            if isinstance(child, h5py.Dataset):
                yield f"{base}/{name}", child
            elif isinstance(child, h5py.Group) and child not in (*above, group):
                pending.append((f"{base}/{name}", child, (*above, group)))


def _differences(got: np.ndarray[Any, Any], dataset: h5py.Dataset) -> Iterator[str]:
    expected = dataset[()]
    if h5py.check_string_dtype(dataset.dtype) and dataset.dtype.kind == "O":
        decode = np.vectorize(lambda raw: raw.decode() if raw else "", otypes=[object])
        expected = decode(np.asarray(expected, dtype=object))
        got = np.asarray(got, dtype=object)
    elif not isinstance(expected, np.ndarray):
        expected = np.array(expected, dtype=dataset.dtype)
    expected = np.asarray(expected)
    beyond = None
    if got.shape != expected.shape and got.ndim == expected.ndim:
        inside = tuple(slice(n) for n in expected.shape)
        outside = np.ones(got.shape, dtype=bool)
        outside[inside] = False
        beyond, got = got[outside], got[inside]
    if got.shape != expected.shape:
        yield f"shape {got.shape}, h5py has {expected.shape}"
    elif not same_bits(got, expected):
        yield f"values {got!r}, h5py has {expected!r}"
    if beyond is not None and not (beyond == dataset.fillvalue).all():
        yield "values beyond the end in HDF5 are not the fill value"
