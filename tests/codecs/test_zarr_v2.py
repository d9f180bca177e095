"""Codec chains of Zarr v3 in the words of v2, judged by encoding with zarr in both formats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.storage import MemoryStore

from zarrchive.codecs.zarr_v2 import V2Encoding, encode_v2, v2_encoding
from zarrchive.errors import WriteError
from zarrchive.manifests._zarr import ArrayV2Metadata, array_metadata

DTYPES = ("<f4", ">f8", "|u1", ">i2", "<i8", "|S3", "<U2", ">c8", "|b1", "<M8[s]")
BLOSC = {"cname": "zstd", "clevel": 3, "shuffle": "bitshuffle", "typesize": 4, "blocksize": 0}
CODECS: tuple[dict[str, Any], ...] = (
    {"name": "numcodecs.zlib", "configuration": {"level": 4}},
    {"name": "numcodecs.bz2", "configuration": {"level": 1}},
    {"name": "numcodecs.fletcher32", "configuration": {}},
    {"name": "numcodecs.zstd", "configuration": {"level": 1}},
    {"name": "gzip", "configuration": {"level": 1}},
    {"name": "zstd", "configuration": {"level": 1, "checksum": True}},
    {"name": "blosc", "configuration": BLOSC},
    {"name": "crc32c"},
)


def translate(codecs: list[dict[str, Any]], dtype: Any) -> V2Encoding:
    return v2_encoding(codecs, np.dtype(dtype), where="out.json", variable="/x")


def serializer(dtype: np.dtype) -> dict[str, Any]:
    endian = "big" if dtype.byteorder == ">" else "little"
    return {"name": "bytes", "configuration": {"endian": endian}}


def read_as_v2(encoding: V2Encoding, chunk: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Let zarr read one chunk with the translated metadata."""
    from zarr.core.buffer import default_buffer_prototype

    document = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": shape,
        "dtype": encoding.dtype,
        "fill_value": None,
        "order": encoding.order,
        "filters": list(encoding.filters) or None,
        "compressor": encoding.compressor,
    }
    prototype = default_buffer_prototype()
    store = MemoryStore(ArrayV2Metadata.from_dict(document).to_buffer_dict(prototype))
    store._store_dict[".".join("0" * len(shape))] = prototype.buffer.from_bytes(chunk)
    return zarr.open_array(store, mode="r", zarr_format=2)[...]


def encoded_as_v3(values: np.ndarray, codecs: list[dict[str, Any]]) -> bytes:
    from zarr.core.buffer import default_buffer_prototype

    metadata = array_metadata(
        shape=values.shape,
        dtype=values.dtype,
        chunk_shape=values.shape,
        codecs=codecs,
        fill_value=np.zeros((), values.dtype)[()],
        dimension_names=None,
        attributes={},
    )
    store = MemoryStore(dict(metadata.to_buffer_dict(default_buffer_prototype())))
    with zarr.config.set({"array.write_empty_chunks": True}):
        zarr.open_array(store, mode="r+")[...] = values
    [chunk] = [data for key, data in store._store_dict.items() if key != "zarr.json"]
    return chunk.to_bytes()


@given(
    dtype=st.sampled_from(DTYPES).map(np.dtype),
    shuffle=st.booleans(),
    chain=st.lists(st.sampled_from(CODECS), max_size=3),
)
def test_what_v3_encodes_v2_decodes(
    *, dtype: np.dtype, shuffle: bool, chain: list[dict[str, Any]]
) -> None:
    if shuffle:
        size = {"elementsize": dtype.itemsize}
        chain = [{"name": "numcodecs.shuffle", "configuration": size}, *chain]
    values = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    codecs = [serializer(dtype), *chain]
    encoding = translate(codecs, dtype)
    assert encoding.dtype == dtype.str
    found = read_as_v2(encoding, encoded_as_v3(values, codecs), values.shape)
    np.testing.assert_array_equal(found, values)
    again = read_as_v2(encoding, encode_v2(values, encoding), values.shape)
    np.testing.assert_array_equal(again, values)


def test_the_byte_order_of_the_codec_wins() -> None:
    assert translate([serializer(np.dtype(">f4"))], "<f4").dtype == ">f4"
    assert translate([serializer(np.dtype("<f4"))], ">f4").dtype == "<f4"
    assert translate([{"name": "bytes"}], "|u1").dtype == "|u1"


def test_a_struct_keeps_the_byte_order_of_its_fields() -> None:
    dtype = np.dtype([("a", ">f4"), ("b", [("c", "<i2"), ("d", "S2")])])
    expected = [["a", ">f4"], ["b", [["c", "<i2"], ["d", "|S2"]]]]
    assert translate([serializer(np.dtype("<f4"))], dtype).dtype == expected


def test_filters_and_compressor_are_where_readers_look_for_them() -> None:
    shuffle, deflate, checksum = ({"name": f"numcodecs.{n}", "configuration": c} for n, c in (
        ("shuffle", {"elementsize": 4}), ("zlib", {"level": 1}), ("fletcher32", {})
    ))  # fmt: skip
    first = serializer(np.dtype("<f4"))
    encoding = translate([first, shuffle, deflate], "<f4")
    assert encoding.filters == ({"id": "shuffle", "elementsize": 4},)
    assert encoding.compressor == {"id": "zlib", "level": 1}
    encoding = translate([first, deflate, checksum], "<f4")
    assert [codec["id"] for codec in encoding.filters] == ["zlib", "fletcher32"]
    assert encoding.compressor is None
    assert translate([first], "<f4").filters == ()


def test_variable_length_strings_are_objects() -> None:
    encoding = translate([{"name": "vlen-utf8"}, CODECS[0]], object)
    assert encoding.dtype == "|O"
    assert encoding.filters == ({"id": "vlen-utf8"},)
    values = np.array(["a", "", "ü"], dtype=object)
    assert read_as_v2(encoding, encode_v2(values, encoding), (3,)).tolist() == ["a", "", "ü"]


@pytest.mark.parametrize(("axes", "order"), [([0, 1, 2], "C"), ([2, 1, 0], "F")])
def test_memory_orders(axes: list[int], order: str) -> None:
    transpose = {"name": "transpose", "configuration": {"order": axes}}
    values = np.arange(24, dtype="<i4").reshape(2, 3, 4)
    codecs = [transpose, serializer(values.dtype)]
    encoding = translate(codecs, values.dtype)
    assert encoding.order == order
    found = read_as_v2(encoding, encoded_as_v3(values, codecs), values.shape)
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    ("codecs", "dtype", "code"),
    [
        ([{"name": "transpose", "configuration": {"order": [1, 0, 2]}}], "<f4", "v2-order"),
        ([{"name": "sharding_indexed", "configuration": {}}], "<f4", "v2-codec"),
        ([{"name": "bytes"}, {"name": "numcodecs.nothing", "configuration": {}}], "u1", "v2-codec"),
        ([{"name": "bytes"}, {"name": "mine", "configuration": {"a": 1}}], "u1", "v2-codec"),
        ([], "u1", "v2-codec"),
        ([{"name": "bytes"}], [("a", "<f4", (2,))], "v2-dtype"),
        ([{"name": "bytes"}], np.dtype([("a", "u1"), ("b", "<f4")], align=True), "v2-dtype"),
        ([{"name": "bytes"}], object, "v2-dtype"),
        ([{"name": "bytes"}], "<f16", "v2-dtype"),
    ],
)
def test_what_v2_cannot_say_is_refused(codecs: list[Any], dtype: Any, code: str) -> None:
    with pytest.raises(WriteError) as caught:
        translate(codecs, dtype)
    problem = caught.value.problem
    assert (problem.code, problem.where, problem.variable) == (code, "out.json", "/x")
    assert "zarr_format=3" in problem.hint
