"""Chunks as the HDF5 library stores them, and the values that it reads back from them."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s

from zarrchive.codecs.hdf5 import Size, codec_document, decode
from zarrchive.readers.hdf5.pipeline import codecs_of, filters_of


@dataclass(frozen=True)
class Chunk:
    """One stored chunk."""

    filters: tuple
    mask: int
    data: bytes
    values: np.ndarray
    """What h5py reads from it, in the byte order of the file."""

    @property
    def codecs(self) -> tuple:
        found = codecs_of(self.filters, self.mask, self.values.nbytes)
        assert isinstance(found, tuple), found
        return found

    def decoded(self) -> bytes:
        return decode(self.codecs, self.data)

    def document(self):
        """The codec of the only filter."""
        (step,) = self.filters
        return codec_document(step.id, step.values, Size(self.values.nbytes))


def written(
    values: np.ndarray,
    *,
    tid=None,
    memory=None,
    set_filters=None,
    fill=None,
    direct=None,
    **keywords,
) -> Chunk:
    """Write `values` as one chunk of a file in memory; return the chunk.

    Either in h5py's words (`keywords`), or with the datatype `tid` of the file, that of the
    values in memory, and a function that sets filters on the dataset creation property list.
    `direct` are the stored bytes, in place of what HDF5 would make of the values.
    """
    values = np.asarray(values)
    # Without a chunk cache, what is read went through the filters.
    with h5py.File("chunk", "w", driver="core", backing_store=False, rdcc_nbytes=0) as file:
        if set_filters is None:
            made = file.create_dataset(
                "x", data=values, chunks=values.shape, fillvalue=fill, **keywords
            )
            dataset = made.id
        else:
            plist = h5p.create(h5p.DATASET_CREATE)
            plist.set_chunk(values.shape)
            set_filters(plist)
            memory = h5py.h5t.py_create(values.dtype) if memory is None else memory
            space = h5s.create_simple(values.shape)
            dataset = h5d.create(file.id, b"x", memory if tid is None else tid, space, plist)
            dataset.write(h5s.ALL, h5s.ALL, values, memory)
        if direct is not None:
            dataset.write_direct_chunk((0,) * values.ndim, direct)
        file.flush()
        mask, data = dataset.read_direct_chunk((0,) * values.ndim)
        # A datatype that is that of the file, so that nothing is converted.
        read = np.empty(values.shape, f"V{dataset.get_type().get_size()}")
        dataset.read(h5s.ALL, h5s.ALL, read, dataset.get_type())
        return Chunk(filters_of(dataset.get_create_plist()), mask, bytes(data), read)


@pytest.fixture(scope="session")
def chunk_of():
    """The function that writes one chunk, for tests that hypothesis runs too."""
    return written
