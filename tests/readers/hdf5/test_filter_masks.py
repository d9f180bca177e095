"""Chunks that skipped filters: as references wherever they can be told apart, else inlined."""

from __future__ import annotations

import ctypes
import zlib
from pathlib import Path

import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.hdf5 import decode, encode
from zarrchive.manifests import InlineChunk
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5.filter_masks import one_chain, transcoded
from zarrchive.readers.hdf5.pipeline import Filter, codecs_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.limits import SMALL

VALUES = np.arange(1, 61, dtype="i4").reshape(6, 10)
SHUFFLE, DEFLATE, FLETCHER32 = Filter(2, (4,), ""), Filter(1, (4,), ""), Filter(3, (), "")
LZF, UNKNOWN = Filter(32000, (4, 261, 40), ""), Filter(700, (), "")


def _codecs(array) -> list[str]:
    return [codec["name"] for codec in array.metadata.to_dict()["codecs"]][1:]


def _write_masked(dataset, masks: dict[int, int]) -> None:
    """Write chunks of 10 i4 with shuffle and gzip, skipping the filters of each one's mask."""
    for number in range(6):
        mask = masks.get(number, 0)
        data = VALUES[number].tobytes()
        if not mask & 1:
            data = np.frombuffer(data, "u1").reshape(10, 4).T.tobytes()
        if not mask & 2:
            data = zlib.compress(data)
        dataset.id.write_direct_chunk((number, 0), data, filter_mask=mask)


@pytest.mark.parametrize(
    ("mask", "names"),
    [(1, ["numcodecs.zlib"]), (2, ["numcodecs.shuffle"]), (3, [])],
    ids=["shuffle skipped", "gzip skipped", "all skipped"],
)
def test_the_same_mask_everywhere_shortens_the_codecs(sample, mask, names) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (6, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        _write_masked(made, dict.fromkeys(range(6), mask))
    array = sample.checked().arrays["x"]
    assert _codecs(array) == names
    assert array.manifest.nrefs == 6


@pytest.mark.parametrize("mask", [1, 2, 3])
def test_odd_chunks_are_encoded_again_and_inlined(sample, mask) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (6, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        _write_masked(made, {2: mask, 4: 3})
    array = sample.checked().arrays["x"]
    assert _codecs(array) == ["numcodecs.shuffle", "numcodecs.zlib"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (4, 2)
    assert isinstance(array.manifest[2, 0], InlineChunk)


def test_many_odd_chunks_that_nothing_tells_apart_are_a_problem(sample) -> None:
    """Where the shuffle was skipped, a chunk may have any length."""
    big = np.zeros(2**19, "i4").tobytes()
    with sample.writing() as file:
        made = file.create_dataset(
            "x", (3, 2**19), "i4", chunks=(1, 2**19), shuffle=True, compression=4
        )
        for number, mask in enumerate((0, 0, 1)):
            made.id.write_direct_chunk((number, 0), zlib.compress(big), filter_mask=mask)
    (problem,) = sample.read().all_problems()
    assert problem.code == "hdf5-filter-mask"
    assert "1 of 3" in problem.what


def _noisy(dtype: str, chunks: int = 16, size: int = 2**16) -> np.ndarray:
    """Return chunks of which every other one cannot be compressed, 2 MiB of them and more."""
    random = np.random.default_rng(3)
    shape = (chunks, size)
    noise = random.standard_normal(shape) if "f" in dtype else random.integers(0, 2**31, shape)
    values = noise.astype(dtype)
    values[::2] = np.arange(size) // 100
    return values


@pytest.mark.parametrize(
    ("keywords", "names"),
    [
        ({"compression": "lzf"}, ["zarrchive.unless_raw"]),
        (
            {"compression": "lzf", "fletcher32": True},
            ["zarrchive.unless_raw", "numcodecs.fletcher32"],
        ),
        ({"compression": "szip"}, ["zarrchive.unless_raw"]),
    ],
    ids=["lzf", "lzf and fletcher32", "szip"],
)
@pytest.mark.parametrize("dtype", ["i4", ">f8"])
def test_chunks_are_told_apart_by_their_length(sample, keywords, names, dtype) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", data=_noisy(dtype), chunks=(1, 2**16), **keywords)
        masks = [made.id.get_chunk_info(i).filter_mask for i in range(16)]
    assert len(set(masks)) == 2
    array = sample.checked().arrays["x"]
    assert _codecs(array) == names
    assert (array.manifest.nrefs, array.manifest.ninlined) == (16, 0)


@pytest.mark.parametrize(
    ("masks", "names"),
    [
        ({2: 2, 4: 2}, ["numcodecs.shuffle", "zarrchive.unless_raw", "numcodecs.fletcher32"]),
        ({0: 2, 2: 6, 4: 6}, ["numcodecs.shuffle", "zarrchive.unless_raw"]),
        ({2: 7, 4: 7}, ["zarrchive.unless_raw"]),
    ],
    ids=["gzip skipped", "checksum skipped too", "all skipped"],
)
def test_pipelines_of_several_filters(sample, masks, names) -> None:
    """Large chunks that skip gzip, with shuffle before and a checksum behind it."""
    size = SMALL // 4
    with sample.writing() as file:
        made = file.create_dataset(
            "x", (6, size), "i4", chunks=(1, size), shuffle=True, compression=4, fletcher32=True
        )
        filters = (SHUFFLE, DEFLATE, FLETCHER32)
        for number in range(6):
            mask = masks.get(number, 0)
            codecs = codecs_of(filters, mask, 4 * size)
            data = encode(codecs, (np.arange(size, dtype="i4") + number).tobytes())
            made.id.write_direct_chunk((number, 0), data, filter_mask=mask)
    array = sample.checked().arrays["x"]
    assert _codecs(array) == names
    odd = sum(mask != masks[2] for mask in masks.values())
    assert (array.manifest.nrefs, array.manifest.ninlined) == (6 - odd, odd)


def _columns(filters, chunks, nbytes: int):
    """Encode `chunks`, pairs of mask and data, as HDF5 would; return masks, lengths and bytes."""
    stored = [encode(codecs_of(filters, mask, nbytes), data) for mask, data in chunks]
    masks = np.array([mask for mask, _ in chunks], np.uint32)
    return masks, np.array([len(data) for data in stored], np.uint64), stored


@given(
    filters=st.sampled_from(
        [(SHUFFLE, DEFLATE), (SHUFFLE, LZF), (SHUFFLE, DEFLATE, FLETCHER32), (LZF, FLETCHER32)]
    ),
    chunks=st.lists(
        st.tuples(
            st.integers(0, 7),
            st.one_of(
                st.binary(min_size=40, max_size=40),
                st.integers(0, 255).map(lambda value: bytes([value]) * 40),
            ),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_law(filters, chunks) -> None:
    """Whatever was skipped: all chunks decode with one chain, the odd ones encoded anew."""
    masks, lengths, stored = _columns(filters, chunks, 40)
    chain = one_chain(filters, masks, lengths, 40)
    assert not isinstance(chain, Reason)
    odd = chain.odd.tolist()
    blobs = transcoded(chain, [stored[row] for row in odd], 40)
    assert not isinstance(blobs, Reason)
    for row, blob in zip(odd, blobs, strict=True):
        stored[row] = blob
    for (_, data), encoded in zip(chunks, stored, strict=True):
        assert decode(chain.codecs, encoded) == data


def test_compressed_chunk_as_long_as_a_raw_one_is_inlined() -> None:
    """Its length would say that it is raw."""
    random = np.random.default_rng(0).bytes(40)
    codecs = codecs_of((LZF,), 0, 40)
    data = next(text for n in range(40) if len(encode(codecs, text := random[n:] + bytes(n))) == 40)
    chunks = [(0, bytes(40)), (0, data), (1, data), (1, random)]
    masks, lengths, stored = _columns((LZF,), chunks, 40)
    chain = one_chain((LZF,), masks, lengths, 40)
    assert [codec["name"] for codec in chain.codecs] == ["zarrchive.unless_raw"]
    assert chain.odd.tolist() == [1]
    assert transcoded(chain, [stored[1]], 40) == [data]


def test_filter_without_a_codec_matters_where_it_was_used() -> None:
    masks, lengths = np.array([1, 1, 0], np.uint32), np.array([40, 40, 17], np.uint64)
    reason = one_chain((UNKNOWN,), masks, lengths, 40)
    assert isinstance(reason, Reason)
    assert "HDF5 filter 700" in reason.what
    chain = one_chain((UNKNOWN,), masks[:2], lengths[:2], 40)
    assert (chain.codecs, chain.odd.size) == ((), 0)


def test_bits_beyond_the_pipeline_mean_nothing() -> None:
    masks = np.array([2**31, 4, 0], np.uint32)
    given = masks.copy()
    chain = one_chain((DEFLATE,), masks, np.array([9, 9, 9], np.uint64), 40)
    assert chain.odd.size == 0
    assert (masks == given).all()
    assert one_chain((), masks, np.array([40, 40, 40], np.uint64), 40).codecs == ()


def test_too_many_different_masks_are_damage() -> None:
    filters = (SHUFFLE,) * 8
    masks = np.arange(200, dtype=np.uint32)
    reason = one_chain(filters, masks, np.full(200, 40, np.uint64), 40)
    assert isinstance(reason, Reason)
    assert reason.code == "hdf5-damaged"


@pytest.mark.parametrize(("mask", "length", "expected"), [(1, 41, 40), (0, 43, 44), (0, 40, 44)])
def test_length_that_chunks_of_a_kind_must_have(mask, length, expected) -> None:
    masks, lengths = np.array([mask, 0], np.uint32), np.array([length, 44], np.uint64)
    reason = one_chain((FLETCHER32,), masks, lengths, 40)
    assert isinstance(reason, Reason)
    assert f"takes {expected} bytes, but {length}" in reason.what


def test_what_can_only_be_read_is_not_encoded() -> None:
    """Zfp chunks that skipped the shuffle before it: nothing tells them apart, nothing encodes."""
    zfp = Filter(32013, (0x10105111, 0x570667A, 0x40000076, 0x88000000), "")
    masks, lengths = np.array([2, 2, 0], np.uint32), np.array([160, 160, 50], np.uint64)
    chain = one_chain((SHUFFLE, zfp), masks, lengths, 160)
    assert (chain.odd.tolist(), len(chain.codecs)) == ([2], 1)  # few bytes: raw, and inlined
    masks = np.array([0, 0, 1], np.uint32)
    lengths = np.array([50, 50, 50], np.uint64)
    chain = one_chain((SHUFFLE, zfp), masks, lengths, 160)
    assert chain.odd.tolist() == [2]
    reason = transcoded(chain, [bytes(50)], 160)
    assert isinstance(reason, Reason)
    assert reason.code == "hdf5-filter-mask"
    assert "zarrchive.zfp" in reason.what


def test_chunks_that_all_skipped_the_filter_are_raw(sample) -> None:
    values = np.random.default_rng(1).integers(0, 2**31, (4, 10)).astype("i4")
    with sample.writing() as file:
        file.create_dataset("x", data=values, chunks=(1, 10), compression="lzf")
    array = sample.checked().arrays["x"]
    assert _codecs(array) == []
    assert array.manifest.nrefs == 4


def _hdf5_library():
    """Return the HDF5 library of h5py by ctypes, for what h5py has no words for."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        name = line.split()[-1]
        if "h5py" in name and ("libhdf5-" in name or "libhdf5.so" in name):
            return ctypes.CDLL(name)
    pytest.skip("h5py's HDF5 library is not to be found")
    raise AssertionError


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_edges_that_were_not_filtered(sample, compression) -> None:
    library = _hdf5_library()
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((4, 4))
    plist.set_shuffle()
    if compression:
        plist.set_deflate(4)
    dont_filter_partial_chunks = 2
    library.H5Pset_chunk_opts.argtypes = [ctypes.c_int64, ctypes.c_uint]
    assert library.H5Pset_chunk_opts(plist.id, dont_filter_partial_chunks) >= 0
    with sample.writing(libver="latest") as file:
        space = h5s.create_simple((6, 10))
        dataset = h5d.create(file.id, b"x", h5t.STD_I32LE, space, plist)
        dataset.write(h5s.ALL, h5s.ALL, VALUES)
    array = sample.checked().arrays["x"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (4, 2)  # whole ones are fewer
    assert np.array_equal(values_of(array), VALUES)


def test_damaged_odd_chunk_is_a_problem(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", (3, 10), "i4", chunks=(1, 10), shuffle=True, compression=4)
        good = zlib.compress(bytes(40))
        for number, (data, mask) in enumerate([(good, 0), (good, 0), (b"rubbish", 1)]):
            made.id.write_direct_chunk((number, 0), data, filter_mask=mask)
    (problem,) = sample.read().all_problems()
    assert (problem.code, problem.variable) == ("hdf5-damaged", "/x")
