"""The table of HDF5 filters: every codec is known to zarr, and undoes what HDF5 did."""

from __future__ import annotations

import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t, h5z
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.hdf5 import FILTERS, codec_document, decode, encode
from zarrchive.manifests._zarr import array_metadata

VALUES = {1: (6,), 2: (4,), 3: (), 32001: (2, 2, 4, 160, 5, 1, 1), 32015: (3,)}
"""Client data as HDF5 stores them, for every filter that has a codec."""


def test_every_filter_with_a_codec_is_tested() -> None:
    assert sorted(VALUES) == sorted(i for i, kind in FILTERS.items() if kind.document)


@pytest.mark.parametrize("filter_id", VALUES)
def test_codec_is_registered_with_zarr(filter_id) -> None:
    document = codec_document(filter_id, VALUES[filter_id])
    metadata = array_metadata(
        shape=(4,),
        dtype=np.dtype("i4"),
        chunk_shape=(4,),
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, document],
        fill_value=0,
        dimension_names=None,
        attributes={},
    )
    assert metadata.to_dict()["codecs"][1]["name"] == document["name"]


@given(data=st.binary(min_size=4, max_size=400).map(lambda raw: raw[: len(raw) // 4 * 4]))
@pytest.mark.parametrize("filter_id", VALUES)
def test_decode_undoes_encode(filter_id, data) -> None:
    documents = [codec_document(filter_id, VALUES[filter_id])]
    assert decode(documents, encode(documents, data)) == data


def test_order_of_a_pipeline_is_that_of_writing() -> None:
    documents = [codec_document(i, VALUES[i]) for i in (2, 1, 3)]
    data = bytes(range(160))
    encoded = encode(documents, data)
    assert decode(documents, encoded) == data
    assert decode(documents[2:], encoded)[:1] == b"\x78"  # zlib within the checksum


@pytest.mark.parametrize("filter_id", [i for i in VALUES if i != 2])
def test_damaged_data_are_a_value_error(filter_id) -> None:
    documents = [codec_document(filter_id, VALUES[filter_id])]
    damaged = bytearray(encode(documents, bytes(range(200))))
    damaged[5:9] = b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match=documents[0]["name"]):
        decode(documents, bytes(damaged[:-8]))


@pytest.fixture
def file_in_memory():
    import h5py

    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        yield file


@pytest.mark.parametrize("itemsize", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("length", [1, 7, 360, 1000])
def test_what_hdf5_encoded_is_decoded(file_in_memory, itemsize, length) -> None:
    values = np.random.default_rng(0).integers(0, 9, (length, itemsize)).astype("u1")
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((length,))
    plist.set_shuffle()
    plist.set_deflate(4)
    plist.set_fletcher32()
    tid = h5t.create(h5t.OPAQUE, itemsize)
    tid.set_tag(b"")
    dataset = h5d.create(file_in_memory.id, b"x", tid, h5s.create_simple((length,)), plist)
    dataset.write(h5s.ALL, h5s.ALL, values.view(f"V{itemsize}").reshape(-1), tid)
    _, stored = dataset.read_direct_chunk((0,))
    steps = [dataset.get_create_plist().get_filter(i) for i in range(3)]
    documents = [codec_document(step[0], step[2]) for step in steps]
    assert [step[0] for step in steps] == [2, 1, 3]
    assert decode(documents, bytes(stored)) == values.tobytes()


@pytest.mark.parametrize(
    ("filter_id", "values", "words"),
    [
        (2, (), "element size"),
        (32001, (2, 2, 4, 160, 5, 1, 3), "compressor number 3"),
        (32001, (2, 2, 4, 160, 5, 1, 9), "compressor number 9"),
        (4, (141, 8), "no Zarr codec"),
        (32000, (), "no Zarr codec"),
        (305, (), "not a registered filter"),
    ],
)
def test_what_cannot_be_undone_says_why(filter_id, values, words) -> None:
    with pytest.raises(ValueError, match=words):
        codec_document(filter_id, values)


@pytest.mark.parametrize(
    ("values", "level"), [((), 3), ((9,), 9), ((2**32 - 5,), 1), ((2**31 - 1,), 22)]
)
def test_levels_that_not_every_reader_accepts_are_bounded(values, level) -> None:
    assert codec_document(32015, values)["configuration"]["level"] == level


def test_filters_of_the_library_are_told_from_plugins() -> None:
    inside = {i for i, kind in FILTERS.items() if not kind.needs_plugin}
    assert {1, 2, 3, 32000} <= inside
    assert all(h5z.filter_avail(i) for i in (1, 2, 3, 32000))
