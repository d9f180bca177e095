"""The table of HDF5 filters: every codec is known to zarr, and undoes what HDF5 did."""

from __future__ import annotations

import json

import numpy as np
import pytest
from h5py import h5z
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.filter_codec import CannotEncodeError
from zarrchive.codecs.hdf5 import FILTERS, Size, codec_document, decode, encode, size_behind
from zarrchive.manifests._zarr import array_metadata, codec_documents

SIZE = Size(160)
"""Of the data that all filters are tested with: 5 rows of 8 numbers of 4 bytes."""
VALUES = {
    1: (6,),
    2: (4,),
    3: (),
    4: (169, 8, 32, 8),
    5: (8, 0, 40, 1, 4, 0, 29, 1),
    6: (2, 0, 40, 0, 4, 1, 0, 1, *(0,) * 12),
    307: (9,),
    32000: (4, 0x105, 160),
    32001: (2, 2, 4, 160, 5, 1, 1),
    32004: (0,),
    32008: (0, 4, 4, 0, 2),
    32013: (0x10105111, 0x570667A, 0x40000076, 0x88000000),
    32015: (3,),
    32022: (3, 4, 0, 0, 0),
    32023: (3, 4, 0, 0, 0),
    32026: (1, 0, 4, 160, 5, 1, 0, 2, 5, 8),
}
"""Client data as HDF5 stores them, for every filter that has a codec."""
ROUNDING = {32022, 32023}
LOSSY = {5}  # bits that the datatype does not use become 0
READ_ONLY = {32013, 32026}


def _document(filter_id: int, size: Size = SIZE):
    return codec_document(filter_id, VALUES[filter_id], size)


def test_every_filter_with_a_codec_is_tested() -> None:
    assert sorted(VALUES) == sorted(i for i, kind in FILTERS.items() if kind.document)


@pytest.mark.parametrize("filter_id", sorted(VALUES.keys() - ROUNDING))
def test_codec_is_registered_with_zarr(filter_id) -> None:
    document = _document(filter_id)
    assert json.loads(json.dumps(document)) == document
    metadata = array_metadata(
        shape=(5, 8),
        dtype=np.dtype("i4"),
        chunk_shape=(5, 8),
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, document],
        fill_value=0,
        dimension_names=None,
        attributes={},
    )
    (found,) = codec_documents(metadata)[1:]
    assert json.loads(json.dumps(found)) == document


@pytest.mark.parametrize("filter_id", sorted(ROUNDING))
def test_filters_that_round_have_nothing_to_undo(filter_id) -> None:
    assert _document(filter_id) is None
    assert size_behind(None, SIZE) == SIZE


@given(data=st.binary(min_size=160, max_size=160))
@pytest.mark.parametrize("filter_id", sorted(VALUES.keys() - ROUNDING - LOSSY - READ_ONLY))
def test_decode_undoes_encode(filter_id, data) -> None:
    documents = [_document(filter_id)]
    encoded = encode(documents, data)
    assert decode(documents, encoded) == data
    behind = size_behind(documents[0], SIZE)
    assert len(encoded) == behind.nbytes or (not behind.is_exact and len(encoded) < behind.nbytes)


@pytest.mark.parametrize("filter_id", sorted(READ_ONLY))
def test_codecs_that_only_read_say_so(filter_id) -> None:
    document = _document(filter_id)
    with pytest.raises(CannotEncodeError, match=document["name"]):
        encode([document], bytes(160))


def test_order_of_a_pipeline_is_that_of_writing() -> None:
    documents = [_document(i) for i in (2, 1, 3)]
    data = bytes(range(160))
    encoded = encode(documents, data)
    assert decode(documents, encoded) == data
    assert decode(documents[2:], encoded)[:1] == b"\x78"  # zlib within the checksum


@pytest.mark.parametrize("filter_id", sorted(VALUES.keys() - ROUNDING - {2, 32013}))
@pytest.mark.parametrize("data", [b"\x01", b"\xff" * 21, b"\x05" * 7])
def test_damaged_data_are_a_value_error(filter_id, data) -> None:
    document = _document(filter_id)
    with pytest.raises(ValueError, match=document["name"]):
        decode([document], data)


@pytest.mark.parametrize("length", [1, 7, 360, 1000])
@pytest.mark.parametrize("itemsize", [1, 2, 3, 4, 8, 16])
def test_what_hdf5_encoded_is_decoded(chunk_of, itemsize, length) -> None:
    values = np.random.default_rng(0).integers(0, 9, (length, itemsize)).astype("u1")
    chunk = chunk_of(
        values.view(f"V{itemsize}").reshape(-1), shuffle=True, compression=4, fletcher32=True
    )
    assert [step.id for step in chunk.filters] == [2, 1, 3]
    assert chunk.decoded() == values.tobytes()


@pytest.mark.parametrize(
    ("filter_id", "values", "words"),
    [
        (2, (), "element size"),
        (32001, (2, 2, 4, 160, 5, 1, 9), "compressor number 9"),
        (4, (141, 8), "2 parameters, not 4"),
        (4, (141, 8, 32, 10**6), "no such parameters"),
        (5, (8, 0, 40), "3 parameters"),
        (5, (8, 0, 40, 1, 4, 0, 31, 2), "31 bits at bit 2 of 4 bytes"),
        (6, (2, 0, 40), "3 parameters, not 20"),
        (6, (2, 0, 40, 0, 4, 1, 262144, 1, *(0,) * 12), r"\(0, 1, 262144, 1\), not 0 or 1 each"),
        (6, (2, 0, 40, 0, 4, 2, 0, 1, *(0,) * 12), "not 0 or 1 each"),
        (6, (1, 0, 40, 1, 4, *(0,) * 15), "method 1"),
        (6, (2, 0, 41, 0, 4, *(0,) * 15), "41 elements of 4 bytes, not 160"),
        (6, (2, 0, 20, 0, 8, *(0,) * 15), None),
        (6, (2, 0, 10, 0, 16, *(0,) * 15), "data type"),
        (32008, (0, 4, 4, 0, 1), "compression number 1"),
        (32008, (0, 4, 0, 0, 2), "itemsize"),
        (32008, (0, 4, 4, 12, 0), "blocks of 12"),
        (32013, (0x10105111,), "3 to 8 words"),
        (32013, (0x10105111, 7, 7, 7), "does not begin with 'zfp'"),
        (32013, (0x10105111, 0x570667A, 0x40000077, 0x88000000), "bytes, not to 160"),
        (32017, (), "no Zarr codec"),
        (700, (), "not a registered filter"),
    ],
)
def test_what_cannot_be_undone_says_why(filter_id, values, words) -> None:
    if words is None:
        assert codec_document(filter_id, values, SIZE)
        return
    with pytest.raises(ValueError, match=words):
        codec_document(filter_id, values, SIZE)


@pytest.mark.parametrize("filter_id", [5, 6])
def test_filters_of_elements_need_to_know_how_many_there_are(filter_id) -> None:
    with pytest.raises(ValueError, match="follows another filter"):
        _document(filter_id, Size(160, is_exact=False))


@pytest.mark.parametrize("filter_id", [4, 32000, 32004, 32008, 32026])
def test_size_that_is_not_known_before_is_bounded(filter_id) -> None:
    settings = _document(filter_id, Size(500, is_exact=False))["configuration"]
    assert settings["max_nbytes"] == 500
    assert "nbytes" not in settings


@pytest.mark.parametrize("nbytes", [161, 159])
@pytest.mark.parametrize("filter_id", [4, 32000, 32004, 32008])
def test_other_sizes_than_that_of_the_chunk_are_refused(filter_id, nbytes) -> None:
    encoded = encode([_document(filter_id)], bytes(range(160)))
    other = _document(filter_id, Size(nbytes))
    with pytest.raises(ValueError, match=other["name"]):
        decode([other], encoded)


@pytest.mark.parametrize(
    ("values", "level"), [((), 3), ((9,), 9), ((2**32 - 5,), 1), ((2**31 - 1,), 22)]
)
def test_levels_that_not_every_reader_accepts_are_bounded(values, level) -> None:
    assert codec_document(32015, values, SIZE)["configuration"]["level"] == level


def test_filters_of_the_library_are_told_from_plugins() -> None:
    inside = {i for i, kind in FILTERS.items() if not kind.needs_plugin}
    assert inside == {1, 2, 3, 4, 5, 6, 32000}
    assert all(h5z.filter_avail(i) for i in inside)
