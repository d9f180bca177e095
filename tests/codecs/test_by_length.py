"""Chunks that skipped a filter, told apart by their length."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.by_length import UnlessRaw
from zarrchive.codecs.hdf5 import Size, codec_document, decode, encode, size_behind
from zarrchive.codecs.skipped import stored_length, told_by_length

VALUES = {1: (4,), 2: (4,), 3: (), 32000: (), 32001: (2, 2, 4, 400, 5, 1, 1), 32015: (3,)}
NBYTES = 400


def chain(filters, mask: int = 0):
    """Return the codecs of filters by id, without those that `mask` skips."""
    documents, size = [], Size(NBYTES)
    for number, filter_id in enumerate(filters):
        if not mask >> number & 1:
            documents.append(codec_document(filter_id, VALUES[filter_id], size))
            size = size_behind(documents[-1], size)
    return documents


@given(
    data=st.one_of(
        st.binary(min_size=NBYTES, max_size=NBYTES),
        st.integers(0, 255).map(lambda value: bytes([value]) * NBYTES),
    ),
    filters=st.sampled_from([(32000,), (2, 32000), (2, 1), (2, 1, 3), (32000, 3), (2, 32015, 3)]),
)
def test_law(data, filters) -> None:
    """One chain decodes what either chain encoded, unless the length says otherwise."""
    compressor = next(i for i, filter_id in enumerate(filters) if filter_id not in {2, 3})
    applied, skipped = chain(filters), chain(filters, 1 << compressor)
    told = told_by_length(applied, skipped, NBYTES)
    assert told is not None
    raw = encode(skipped, data)
    assert len(raw) == told.raw_length == stored_length(skipped, NBYTES)
    assert decode(told.codecs, raw) == data
    compressed = encode(applied, data)
    if len(compressed) != told.raw_length:
        assert decode(told.codecs, compressed) == data
    # What it encodes itself is raw.
    assert encode(told.codecs, data) == raw


@pytest.mark.parametrize(
    ("filters", "masks", "names"),
    [
        ((2, 32000), (0, 0b10), ["numcodecs.shuffle", "zarrchive.unless_raw"]),
        ((2, 1), (0, 0b10), ["numcodecs.shuffle", "zarrchive.unless_raw"]),
        ((2, 1), (0, 0b11), ["zarrchive.unless_raw"]),
        ((2, 1, 3), (0, 0b110), ["numcodecs.shuffle", "zarrchive.unless_raw"]),
        ((2, 1, 3), (0, 0b010),
         ["numcodecs.shuffle", "zarrchive.unless_raw", "numcodecs.fletcher32"]),
        ((3,), (0, 1), ["zarrchive.unless_raw"]),
        ((32001,), (0, 1), ["zarrchive.unless_raw"]),
        # Not the same size, or not a part of the other chain: nothing tells them apart.
        ((2, 1), (0b01, 0b10), None),
        ((2, 1), (0, 0b01), None),
        ((1, 32000), (0, 0b10), None),
        ((2, 1), (0, 0), None),
        ((2, 1), (0b10, 0), None),
    ],
)  # fmt: skip
def test_chains(filters, masks, names) -> None:
    told = told_by_length(*(chain(filters, mask) for mask in masks), NBYTES)
    assert names == (None if told is None else [codec["name"] for codec in told.codecs])


def test_levels_do_not_matter() -> None:
    codecs = [
        told_by_length([codec_document(1, (level,), Size(NBYTES))], [], NBYTES).codecs
        for level in (1, 9)
    ]
    assert codecs[0] == codecs[1]


def test_codec_is_a_value() -> None:
    settings = {"nbytes": 40, "codecs": [{"id": "zlib"}, {"id": "zarrchive.lzf", "nbytes": 99}]}
    codec = UnlessRaw(**settings)
    assert codec.get_config() == {"id": "zarrchive.unless_raw", **settings}
    assert codec == pickle.loads(pickle.dumps(codec))
    assert hash(codec) == hash(UnlessRaw(**settings))
    assert codec != UnlessRaw(nbytes=41, codecs=settings["codecs"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nbytes": 40, "codecs": []}, "needs nbytes, and codecs"),
        ({"max_nbytes": 40, "codecs": [{"id": "zlib"}]}, "needs nbytes, and codecs"),
        ({"nbytes": 40, "codecs": [{"id": "zarrchive.nothing"}]}, "nothing"),
        ({"nbytes": 40, "codecs": [{"id": "pickle"}]}, r"nothing to do with codecs \['pickle'\]"),
        ({"nbytes": 40, "codecs": [{"id": "zlib"}, {}]}, "nothing to do with"),
        ({"nbytes": 40, "codecs": [{"id": "zlib", "level": 1, "what": 1}]}, "what"),
        ({"nbytes": 40, "codecs": [{"id": "zarrchive.lzf"}]}, "needs either nbytes"),
    ],
)
def test_settings_that_cannot_be(settings, words) -> None:
    with pytest.raises(ValueError, match=words):
        UnlessRaw(**settings)


def test_damaged_data_name_both_codecs() -> None:
    codec = UnlessRaw(nbytes=40, codecs=[{"id": "zarrchive.lz4", "nbytes": 40}])
    with pytest.raises(ValueError, match=r"unless_raw cannot.*zarrchive\.lz4 cannot"):
        codec.decode(bytes(39))
    with pytest.raises(ValueError, match=r"40"):
        codec.encode(bytes(39))
    assert bytes(codec.decode(np.arange(10, dtype="i4"))) == np.arange(10, dtype="i4").tobytes()
