"""One HDF5 dataset of any layout, chunk index and pipeline, as a value that can be written."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np
from h5py import h5d, h5p, h5s

from zarrchive.testing.hdf5.attributes import NO_ATTRIBUTES, AttributesRecipe
from zarrchive.testing.hdf5.datatypes import KINDS
from zarrchive.testing.hdf5.library import set_fill, set_property

if TYPE_CHECKING:
    from h5py import h5t

    from zarrchive.testing.hdf5.datatypes import Kind

__all__ = ["FILTERS", "DatasetRecipe", "Region"]

Region = tuple[slice, ...]

FILTERS: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "gzip": (1, (4,)),
    "shuffle": (2, ()),
    "fletcher32": (3, ()),
    "lzf": (32000, ()),
    "bzip2": (307, (9,)),
    "blosc": (32001, (0, 0, 0, 0, 5, 1, 1)),
    "lz4": (32004, ()),
    "bitshuffle": (32008, (0, 2)),
    "zstd": (32015, (3,)),
    "blosc2": (32026, (0, 0, 0, 0, 5, 1, 1)),
}
"""HDF5 filter id and client data, by name; ``szip``, ``scale-offset`` and ``nbit`` besides.

All above 300 but lzf need hdf5plugin.
"""
_LAYOUTS: Final = {
    "compact": h5d.COMPACT,
    "contiguous": h5d.CONTIGUOUS,
    "external": h5d.CONTIGUOUS,
    "chunked": h5d.CHUNKED,
}
_ALLOCATION: Final = {
    "early": h5d.ALLOC_TIME_EARLY,
    "late": h5d.ALLOC_TIME_LATE,
    "incremental": h5d.ALLOC_TIME_INCR,
}
_FILL_TIMES: Final = {
    "alloc": h5d.FILL_TIME_ALLOC,
    "never": h5d.FILL_TIME_NEVER,
    "if set": h5d.FILL_TIME_IFSET,
}


@dataclass(frozen=True, kw_only=True)
class DatasetRecipe:
    """All choices behind one dataset."""

    kind: str = "<i4"
    """Name of its datatype, of `KINDS`."""
    shape: tuple[int, ...] | None = (4,)
    """None: a null dataspace."""
    max_shape: tuple[int | None, ...] | None = None
    layout: str = "contiguous"
    """``contiguous``, ``compact``, ``chunked``, ``external`` or ``virtual``."""
    chunks: tuple[int, ...] = ()
    filters: tuple[str, ...] = ()
    allocation: str = ""
    """``early``, ``late``, ``incremental``; empty: as the layout has it."""
    has_fill: bool = False
    """Whether it has a fill value of its own: random bytes of its type."""
    fill_time: str = ""
    """``alloc``, ``never``, ``if set``; empty: the library's choice."""
    written: tuple[Region, ...] | None = None
    """Regions written, in this order; None: everything."""
    masked: tuple[tuple[int, ...], ...] = ()
    """Chunks (index in the grid) written again raw, with all filters skipped."""
    resized: tuple[int, ...] | None = None
    """Shape given after writing."""
    raw_edges: bool = False
    """Whether chunks at the edge are not filtered."""
    is_committed: bool = False
    """Whether its datatype is an object of its own, beside it."""
    attributes: AttributesRecipe = NO_ATTRIBUTES
    is_smooth: bool = False
    """Whether few values repeat, so that filters make chunks smaller."""
    seed: int = 0

    def write(self, group: h5py.Group, name: str) -> None:
        """Write the dataset into an open group."""
        kind = KINDS[self.kind]
        tid = kind.tid()
        if self.is_committed:
            tid = tid.copy()
            tid.commit(group.id, f"{name} type".encode())
        if self.layout == "virtual":
            self._write_virtual(group, name, tid)
            return
        space = self._space()
        made = h5d.create(group.id, name.encode(), tid, space, self._properties(tid, group, name))
        dataset = h5py.Dataset(made)
        if self.shape is not None:
            self._fill(dataset, kind)
        self.attributes.write(dataset)

    def _space(self) -> h5s.SpaceID:
        if self.shape is None:
            return h5s.create(h5s.NULL)
        if not self.shape:
            return h5s.create(h5s.SCALAR)
        limits = self.max_shape
        if limits is None:
            return h5s.create_simple(self.shape)
        return h5s.create_simple(
            self.shape, tuple(h5s.UNLIMITED if n is None else n for n in limits)
        )

    def _properties(self, tid: h5t.TypeID, group: h5py.Group, name: str) -> h5p.PropDCID:
        plist = h5p.create(h5p.DATASET_CREATE)
        plist.set_layout(_LAYOUTS[self.layout])
        if self.layout == "chunked":
            plist.set_chunk(self.chunks)
            self._add_filters(plist)
            if self.raw_edges:
                set_property(plist, "set_chunk_opts", 2)
        if self.layout == "external":
            target = f"{group.file.filename}.{name.encode().hex()}.raw"
            plist.set_external(target.encode(), 0, prod(self.shape or ()) * tid.get_size())
        if self.allocation:
            plist.set_alloc_time(_ALLOCATION[self.allocation])
        if self.has_fill and KINDS[self.kind].is_raw:
            random = np.random.default_rng([self.seed, 1])
            set_fill(plist, tid, KINDS[self.kind].values(random, 1, group.file).tobytes())
        if self.fill_time:
            plist.set_fill_time(_FILL_TIMES[self.fill_time])
        self.attributes.prepare(plist)
        return plist

    def _add_filters(self, plist: h5p.PropDCID) -> None:
        for step in self.filters:
            if step == "nbit":
                set_property(plist, "set_nbit")
            elif step == "scale-offset":
                plist.set_scaleoffset(h5py.h5z.SO_INT, 0)
            elif step == "szip":
                plist.set_szip(h5py.h5z.SZIP_NN_OPTION_MASK, 8)
            else:
                number, values = FILTERS[step]
                plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL, values)

    def _fill(self, dataset: h5py.Dataset, kind: Kind) -> None:
        random = np.random.default_rng(self.seed)
        for region in (None,) if self.written is None else self.written:
            self._write_region(dataset, kind, region, random)
        if self.masked:
            dataset.id.flush()  # else the chunk in the cache overwrites the one written raw
        for index in self.masked:
            start = tuple(i * n for i, n in zip(index, self.chunks, strict=True))
            data = kind.values(random, prod(self.chunks), dataset.file).tobytes()
            mask = 2 ** len(self.filters) - 1
            dataset.id.write_direct_chunk(start, data, filter_mask=mask)
        if self.resized is not None:
            dataset.id.set_extent(self.resized)

    def _write_region(
        self,
        dataset: h5py.Dataset,
        kind: Kind,
        region: Region | None,
        random: np.random.Generator,
    ) -> None:
        space, memory = dataset.id.get_space(), (kind.memory or kind.tid)()
        if self.shape and region is not None:
            starts = tuple(one.start for one in region)
            counts = tuple(one.stop - one.start for one in region)
            if 0 in counts:
                return
            space.select_hyperslab(starts, counts)
        count = space.get_select_npoints()
        if count:
            values = kind.values(random, min(count, 2) if self.is_smooth else count, dataset.file)
            dataset.id.write(h5s.create_simple((count,)), space, np.resize(values, count), memory)

    def _write_virtual(self, group: h5py.Group, name: str, tid: h5t.TypeID) -> None:
        """Write a source beside it, and a view of that."""
        shape, dtype = self.shape or (), tid.dtype
        source = f"{name} source"
        made = group.create_dataset(source, shape, dtype)
        self._write_region(made, KINDS[self.kind], None, np.random.default_rng(self.seed))
        layout = h5py.VirtualLayout(shape, dtype)
        layout[...] = h5py.VirtualSource(".", f"{group.name.rstrip('/')}/{source}", shape)
        self.attributes.write(group.create_virtual_dataset(name, layout))
