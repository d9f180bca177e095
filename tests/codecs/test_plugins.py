"""Every filter of hdf5plugin that has a codec: chunks decode to what h5py reads."""

from __future__ import annotations

from collections import Counter

import h5py
import numpy as np

from zarrchive.codecs.hdf5 import FILTERS, decode
from zarrchive.readers.hdf5.pipeline import codecs_of, filters_of


def chunks_of(file: h5py.File):
    """Yield name, filters, mask, stored bytes and values of every chunk."""
    for name, group in file.items():
        if name == "without codec":
            continue
        for case, pair in group.items():
            stored, values = pair["stored"], pair["values"][...]
            filters = filters_of(stored.id.get_create_plist())
            for number in range(stored.id.get_num_chunks()):
                start = stored.id.get_chunk_info(number).chunk_offset
                mask, data = stored.id.read_direct_chunk(start)
                inside = tuple(map(slice, start, np.add(start, stored.chunks)))
                yield f"{name}/{case}", filters, mask, bytes(data), values[inside], stored.chunks


def test_every_chunk(plugin_file) -> None:
    seen: Counter[str] = Counter()
    with h5py.File(plugin_file) as file:
        for name, filters, mask, data, values, shape in chunks_of(file):
            codecs = codecs_of(filters, mask, int(np.prod(shape)) * values.dtype.itemsize)
            assert isinstance(codecs, tuple), (name, codecs)
            decoded = np.frombuffer(decode(codecs, data), values.dtype).reshape(shape)
            # Beyond the edge of the dataset a chunk holds anything.
            inside = decoded[tuple(map(slice, values.shape))]
            assert inside.tobytes() == values.tobytes(), name
            seen[FILTERS[filters[0].id].name] += bool(codecs)
    assert set(seen) == {
        "lz4", "bitshuffle", "bzip2", "zstd", "blosc", "blosc2", "zfp"
    }  # fmt: skip
    assert min(seen.values()) > 20  # chunks that were not skipped


def test_cut_chunks_are_a_value_error_or_other_values(plugin_file) -> None:
    """Nothing crashes, and what is decoded has the right size."""
    refused = 0
    with h5py.File(plugin_file) as file:
        for number, (name, filters, mask, data, values, shape) in enumerate(chunks_of(file)):
            nbytes = int(np.prod(shape)) * values.dtype.itemsize
            codecs = codecs_of(filters, mask, nbytes)
            if not codecs or not codecs[0]["name"].startswith("zarrchive."):
                continue
            cut = (0, 1, 3, 11, 12, 15, 40, -8, -1)[number % 9]
            try:
                assert len(decode(codecs, data[:cut])) == nbytes, name
            except ValueError as error:
                assert codecs[0]["name"] in str(error)  # noqa: PT017 - of many, some are refused
                refused += 1
    assert refused > 100
