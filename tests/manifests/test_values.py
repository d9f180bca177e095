"""Metadata of arrays, and values read through it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zarr.core.metadata.v3 import ArrayV3Metadata

from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkManifest, InlineChunk, ManifestArray
from zarrchive.manifests._zarr import array_metadata, changed_metadata, same_but_attributes
from zarrchive.manifests.compare import identical_arrays
from zarrchive.manifests.values import values_of, values_of_each
from zarrchive.testing.strategies import manifest_arrays, stored, stored_arrays

LITTLE = [{"name": "bytes", "configuration": {"endian": "little"}}]
ZLIB = {"name": "numcodecs.zlib", "configuration": {"level": 1}}


def inline(values: np.ndarray, *, codecs=None, dtype=None, data: bytes | None = None):
    """An array in one inline chunk."""
    metadata = array_metadata(
        shape=values.shape,
        dtype=values.dtype if dtype is None else dtype,
        chunk_shape=tuple(max(size, 1) for size in values.shape),
        codecs=codecs or [{"name": "bytes"}],
        fill_value=np.zeros((), values.dtype)[()] if dtype is None else "",
        dimension_names=None,
        attributes={},
    )
    grid = tuple(min(size, 1) for size in values.shape)
    entries = {(0,) * values.ndim: InlineChunk(values.tobytes() if data is None else data)}
    if not all(grid):
        entries = {}
    return ManifestArray(metadata, ChunkManifest.from_entries(entries, grid_shape=grid))


@given(stored_arrays())
def test_values_are_those_that_were_stored(case) -> None:
    values = values_of(case.array)
    np.testing.assert_array_equal(values, case.truth)
    assert values.dtype == case.truth.dtype.newbyteorder("=")
    assert values.shape == case.truth.shape
    assert values.flags.writeable


@pytest.mark.parametrize(
    ("dtype", "endian"), [("<i4", "little"), (">i4", "big"), (">f8", "big"), ("<c8", "little")]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 2), (0, 2)])
def test_one_raw_inline_chunk_needs_no_zarr(dtype, endian, shape, monkeypatch) -> None:
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    codecs = [{"name": "bytes", "configuration": {"endian": endian}}]
    array = inline(values, codecs=codecs)
    monkeypatch.setattr("zarr.open_array", None)
    np.testing.assert_array_equal(values_of(array), values)
    assert values_of(array).dtype.isnative


def test_bytes_in_another_order_than_the_type_says() -> None:
    """The codec decides, as it does for every other reader of the metadata."""
    values = np.arange(3, dtype="<i4")
    array = inline(values.astype(">i4").view("<i4"), codecs=[
        {"name": "bytes", "configuration": {"endian": "big"}}
    ])  # fmt: skip
    assert values_of(array).tolist() == [0, 1, 2]


def test_structured_and_text() -> None:
    table = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "<i4"), ("b", "<f8")])
    assert values_of(inline(table)).tolist() == table.tolist()
    mixed = table.astype([("a", ">i4"), ("b", "<f8")])
    assert values_of(inline(mixed)).tolist() == table.tolist()
    # Each string as its length and its bytes, after their number: numcodecs.VLenUTF8.
    data = b"\2\0\0\0" + b"\1\0\0\0a" + b"\0\0\0\0"
    text = inline(np.empty(2, "U1"), dtype="string", codecs=[{"name": "vlen-utf8"}], data=data)
    assert values_of(text).tolist() == ["a", ""]
    assert values_of(text[:0]).shape == (0,)
    fixed = np.array([b"ab", b""], dtype="S2")
    assert values_of(inline(fixed)).tolist() == [b"ab", b""]


@given(manifest_arrays())
def test_arrays_pickle(array: ManifestArray) -> None:
    again = pickle.loads(pickle.dumps(array))
    assert identical_arrays(again, array)
    assert (again.name, again.dtype, again.shape) == (array.name, array.dtype, array.shape)
    assert bool(again == array)


@given(manifest_arrays())
def test_metadata_is_what_zarr_would_make_of_it(array: ManifestArray) -> None:
    document = array.metadata.to_dict() | {"attributes": {}}
    parsed = ArrayV3Metadata.from_dict(document)
    native = changed_metadata(array.metadata)
    assert parsed.shape == native.shape
    assert parsed.codecs == native.codecs
    assert parsed.chunk_grid == native.chunk_grid
    assert parsed.dimension_names == native.dimension_names
    assert vars(parsed).keys() == vars(native).keys()
    if array.dtype.isnative:
        assert same_but_attributes(parsed, native)


@given(st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_metadata_of_one_kind_shares_its_codecs(shape: tuple[int, int]) -> None:
    keywords = {
        "dtype": np.dtype("<f4"),
        "chunk_shape": (2, 2),
        "codecs": LITTLE,
        "fill_value": np.nan,
        "dimension_names": ["y", "x"],
        "attributes": {"units": "K"},
    }
    metadata = array_metadata(shape=shape, **keywords)
    other = array_metadata(shape=(1, 1), **keywords)
    assert metadata.codecs is other.codecs
    assert metadata.attributes is not other.attributes
    assert np.isnan(metadata.fill_value)
    assert metadata.shape == shape


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (1,)},
        {"shape": (-1, 1)},
        {"dimension_names": ["x"]},
        {"dtype": np.dtype("S0")},
        {"dtype": np.dtype(object)},
        {"codecs": [{"name": "unheard-of"}]},
        {"fill_value": "text"},
    ],
    ids=str,
)
def test_what_zarr_cannot_say_is_refused(changes) -> None:
    fields = {
        "shape": (1, 1),
        "dtype": np.dtype("<f4"),
        "chunk_shape": (1, 1),
        "codecs": LITTLE,
        "fill_value": 0,
        "dimension_names": ["y", "x"],
        "attributes": {},
    }
    with pytest.raises((ValueError, TypeError, KeyError)):
        array_metadata(**fields | changes)


def test_the_grid_must_be_that_of_the_metadata() -> None:
    array = stored(np.arange(5), (2,), name="air").array
    with pytest.raises(ManifestError) as caught:
        ManifestArray(array.metadata, ChunkManifest.empty((2,)), name="air")
    assert caught.value.problem.code == "grid-mismatch"
    assert "(2,)" in caught.value.problem.what
    assert "(3,)" in caught.value.problem.what
    assert caught.value.problem.variable == "air"


@given(st.data())
def test_values_of_many_are_those_of_each(data) -> None:
    """Also where chunks are longer than arrays, are stored elsewhere, or are not stored."""
    dtype = data.draw(st.sampled_from(["<f4", ">f4", "<i8", "|i1"]))
    chunk = data.draw(st.integers(1, 3))
    codecs = data.draw(st.sampled_from([LITTLE, [*LITTLE, ZLIB]]))
    parts = []
    for _ in range(data.draw(st.integers(1, 4))):
        size = data.draw(st.integers(0, 4))
        states = data.draw(st.sampled_from(["i", "ii", "im", "f"]))
        values = np.arange(size).astype(dtype)
        parts.append(stored(values, (chunk,), states=states, codecs=codecs[1:]))
    arrays = [part.array for part in parts]
    found = values_of_each([*arrays, *arrays])
    for part, values in zip([*parts, *parts], found, strict=True):
        assert values.dtype == part.truth.dtype.newbyteorder("=")
        np.testing.assert_array_equal(values, part.truth)
