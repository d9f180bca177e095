"""Joining virtual arrays: laws against NumPy, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkEntry, ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import array_metadata, changed_metadata
from zarrchive.manifests.compare import identical_arrays
from zarrchive.manifests.concat import concatenate, problems_of_concat, problems_of_stack, stack
from zarrchive.manifests.rearrange import joined
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import chunk_manifests, stored, stored_arrays

RAW = [{"name": "bytes", "configuration": {"endian": "little"}}]
ZLIB = {"name": "numcodecs.zlib", "configuration": {"level": 4}}


def virtual(file: str = "/data/a.nc", **changes: object) -> ManifestArray:
    """A (31, 4) array in chunks of (31, 2), stored whole in one file."""
    fields = {
        "shape": (31, 4),
        "dtype": np.dtype("<f4"),
        "chunk_shape": (31, 2),
        "codecs": [*RAW, ZLIB],
        "fill_value": 0,
        "dimension_names": ["time", "x"],
        "attributes": {},
    } | changes
    fields["dimension_names"] = fields["dimension_names"][: len(fields["shape"])]
    metadata = array_metadata(**fields)
    grid = tuple(-(-n // c) for n, c in zip(fields["shape"], fields["chunk_shape"], strict=True))
    entries = {index: ChunkEntry(file, 9, 9) for index in np.ndindex(grid)}
    manifest = ChunkManifest.from_entries(entries, grid_shape=grid)
    return ManifestArray(metadata, manifest, name="air")


@st.composite
def parts_of_one_array(draw: st.DrawFn, *, ragged_end: bool = True):
    """Arrays that fit together along an axis."""
    rank = draw(st.integers(1, 3))
    axis = draw(st.integers(0, rank - 1))
    chunk_shape = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    side = [draw(st.integers(0, 5)) for _ in range(rank)]
    dtype = draw(st.sampled_from(["<i2", ">f8", "|S3"]))
    parts = []
    n_parts = draw(st.integers(1, 4))
    for number in range(n_parts):
        side[axis] = chunk_shape[axis] * draw(st.integers(0, 2))
        if ragged_end and number == n_parts - 1:
            side[axis] += draw(st.integers(0, chunk_shape[axis] - 1))
        values = (number * 20 + np.arange(np.prod(side, dtype=int))).reshape(side).astype(dtype)
        states = draw(st.text("fim", max_size=8))
        parts.append(stored(values, chunk_shape, states=states, codecs=[ZLIB]))
    return parts, axis


@given(parts_of_one_array())
def test_concatenates_as_numpy_does(case) -> None:
    parts, axis = case
    whole = concatenate([part.array for part in parts], axis=axis)
    expected = np.concatenate([part.truth for part in parts], axis=axis)
    assert whole.shape == expected.shape
    np.testing.assert_array_equal(values_of(whole), expected)
    assert whole.manifest.nbytes <= 16 * whole.manifest.size + sum(
        len(blob) for blob in whole.manifest.inlined
    )


@given(parts_of_one_array())
def test_concatenation_is_associative(case) -> None:
    parts, axis = case
    arrays = [part.array for part in parts]
    assume(len(arrays) >= 3)
    left = concatenate([concatenate(arrays[:2], axis=axis), *arrays[2:]], axis=axis)
    right = concatenate([arrays[0], concatenate(arrays[1:], axis=axis)], axis=axis)
    at_once = concatenate(arrays, axis=axis - arrays[0].ndim)
    assert identical_arrays(left, right)
    assert identical_arrays(left, at_once)


KINDS = [
    {},
    {"shape": (62, 4)},
    {"shape": (30, 4)},
    {"shape": (31, 6)},
    {"shape": (31,), "chunk_shape": (31,)},
    {"chunk_shape": (31, 4)},
    {"dtype": np.dtype("<i4")},
    {"fill_value": 1},
    {"codecs": RAW},
    {"codecs": [*RAW, {"name": "numcodecs.zlib", "configuration": {"level": 9}}]},
    {"codecs": [*RAW, {"name": "numcodecs.bz2", "configuration": {"level": 4}}]},
    {"attributes": {"scale_factor": 0.1}},
    {"attributes": {"title": "another"}},
]


def apart(array: ManifestArray) -> ManifestArray:
    """Return an equal array that shares its metadata with no other."""
    return array.replaced(changed_metadata(array.metadata), array.manifest)


@given(st.data(), st.integers(-2, 1))
def test_arrays_that_share_metadata_join_as_those_that_do_not(data, axis) -> None:
    models = [virtual(**one) for one in data.draw(st.lists(st.sampled_from(KINDS), max_size=2))]
    models = [virtual(), *models]
    numbers = data.draw(st.lists(st.integers(0, len(models) - 1), min_size=1, max_size=9))
    arrays = []
    for place, number in enumerate(numbers):
        model = models[number]
        file = virtual(f"/data/{9 - place}.nc").manifest.files[0]
        is_stored = data.draw(st.integers(0, 9)) > 0
        empty = ChunkManifest.empty(model.manifest.grid_shape)
        manifest = model.manifest.map_files(lambda _, file=file: file) if is_stored else empty
        arrays.append(model.replaced(model.metadata, manifest))
    lonely = [apart(array) for array in arrays]
    assert len({id(array.metadata) for array in lonely}) == len(lonely)
    problems = problems_of_concat(lonely, axis=axis)
    assert problems_of_concat(arrays, axis=axis) == problems
    if problems:
        with pytest.raises(ManifestError) as found:
            concatenate(arrays, axis=axis)
        assert list(found.value.problems) == problems
        return
    whole, expected = concatenate(arrays, axis=axis), concatenate(lonely, axis=axis)
    assert identical_arrays(whole, expected)
    assert whole.metadata.to_dict() == expected.metadata.to_dict()


@given(st.data(), st.integers(1, 3))
def test_stacks_as_numpy_does(data: st.DataObject, n_parts: int) -> None:
    first = data.draw(stored_arrays())
    others = [
        data.draw(
            stored_arrays(
                shape=first.array.shape,
                chunk_shape=first.array.chunk_shape,
                dtype=first.array.dtype.str,
            )
        )
        for _ in range(n_parts)
    ]
    parts = [first, *others]
    axis = data.draw(st.integers(-first.array.ndim - 1, first.array.ndim))
    arrays = [part.array for part in parts]
    codes = {problem.code for problem in problems_of_stack(arrays, axis=axis)}
    if codes:
        assert codes == {"concat-codecs"}
        return
    np.testing.assert_array_equal(
        values_of(stack(arrays, axis=axis)), np.stack([p.truth for p in parts], axis=axis)
    )


@given(st.lists(chunk_manifests(st.just((7, 800))), min_size=1, max_size=3), st.integers(0, 1))
def test_sparse_and_dense_manifests_join_alike(manifests, axis: int) -> None:
    """The grid of (7, 800) is sparse; each (7, 8) corner of it is dense."""
    corners = []
    for manifest in manifests:
        entries = {i: e for i, e in manifest.entries() if i[1] < 8}
        corners.append(ChunkManifest.from_entries(entries, grid_shape=(7, 8), files=manifest.files))
    assert all(m.positions is not None for m in manifests)
    assert all(m.positions is None for m in corners)
    for parts in (manifests, corners, [*manifests[:1], *manifests]):
        expected, start = {}, 0
        for manifest in parts:
            for index, entry in manifest.entries():
                moved = list(index)
                moved[axis] += start
                expected[tuple(moved)] = entry
            start += manifest.grid_shape[axis]
        assert dict(joined(parts, axis).entries()) == expected


@pytest.mark.parametrize(
    ("changes", "code", "found"),
    [
        ({"dtype": np.dtype(">f4")}, "concat-dtype", ["<f4", ">f4"]),
        ({"dtype": np.dtype("<f8")}, "concat-dtype", ["<f4", "<f8"]),
        ({"codecs": RAW}, "concat-codecs", ["zlib(level=4)", "bytes(endian=little)"]),
        (
            {"codecs": [*RAW, {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}}]},
            "concat-codecs",
            ["zlib(level=4)", "shuffle(elementsize=4)"],
        ),
        ({"chunk_shape": (28, 2), "shape": (28, 4)}, "concat-chunks", ["(31, 2)", "(28, 2)"]),
        ({"shape": (31, 6)}, "concat-shape", ["(4,)", "(6,)", "beside time"]),
        ({"shape": (31,), "chunk_shape": (31,)}, "concat-rank", ["(31, 4)", "(31,)"]),
        ({"attributes": {"scale_factor": 0.5}}, "concat-attributes", ["absent", "0.5"]),
        ({"attributes": {"units": "degC"}}, "concat-attributes", ["absent", "'degC'"]),
    ],
)
def test_every_difference_is_named_with_both_values(changes, code: str, found: list[str]) -> None:
    arrays = [virtual(), virtual("/data/b.nc", **changes)]
    problems = problems_of_concat(arrays, axis=0)
    assert [problem.code for problem in problems] == [code]
    assert all(text in problems[0].what for text in found), problems[0].what
    assert "/data/a.nc" in problems[0].what
    assert problems[0].where == "/data/b.nc"
    assert problems[0].variable == "air"
    assert "loadable_variables=['air']" in problems[0].hint
    with pytest.raises(ManifestError) as caught:
        concatenate(arrays, axis=0)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("scale_factor", 0.5, 0.25),
        ("scale_factor", np.float32(0.5), np.float64(0.5)),
        ("add_offset", np.float32(0), np.float32(50)),
        ("_FillValue", np.int16(-9), np.int16(-99)),
        ("missing_value", np.array([1, 2]), np.array([1, 3])),
        ("missing_value", np.nan, 0.0),
        ("units", "days since 1900-01-01", "days since 1950-01-01"),
        ("units", "K", "degC"),
        ("calendar", "standard", "noleap"),
        ("_Unsigned", "true", "false"),
    ],
)
def test_what_decodes_differently_never_joins(name: str, left, right) -> None:
    arrays = [
        virtual(f"/data/{i}.nc", attributes={name: value}) for i, value in enumerate((left, right))
    ]
    for problems in (problems_of_concat(arrays, axis=0), problems_of_stack(arrays, axis=0)):
        assert [problem.code for problem in problems] == ["concat-attributes"]
        assert name in problems[0].what


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"_FillValue": np.float32(np.nan)}, {"_FillValue": np.array([np.nan], "f4")}),
        ({"units": "K"}, {"units": np.bytes_(b"K")}),
        ({"scale_factor": np.array([0.5], ">f4")}, {"scale_factor": np.float32(0.5)}),
        ({"_FillValue": np.int16(-9)}, {"_FillValue": -9.0}),
        ({"history": "made on Monday"}, {"history": "made on Tuesday", "valid_min": 3}),
    ],
)
def test_what_decodes_alike_joins(left, right) -> None:
    arrays = [virtual(attributes=left), virtual("/data/b.nc", attributes=right)]
    assert concatenate(arrays, axis=0).attributes == arrays[0].attributes


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (ZLIB, {"name": "numcodecs.zlib", "configuration": {"level": 9}}),
        (
            {"name": "zstd", "configuration": {"level": 1, "checksum": False}},
            {"name": "zstd", "configuration": {"level": 19, "checksum": True}},
        ),
        (
            {"name": "numcodecs.blosc", "configuration": {"clevel": 1, "cname": "lz4"}},
            {"name": "numcodecs.blosc", "configuration": {"clevel": 9, "cname": "zstd"}},
        ),
    ],
)
def test_compression_levels_are_no_difference(left, right) -> None:
    arrays = [virtual(codecs=[*RAW, left]), virtual("/data/b.nc", codecs=[*RAW, right])]
    assert problems_of_concat(arrays, axis=0) == []


def test_inner_arrays_must_fill_whole_chunks() -> None:
    short = virtual("/data/feb.nc", shape=(28, 4))
    assert problems_of_concat([virtual(), short], axis=0) == []
    assert problems_of_concat([short], axis=0) == []
    (problem,) = problems_of_concat([short, virtual()], axis=0)
    assert problem.code == "concat-ragged"
    assert "28 elements along time" in problem.what
    assert "chunks of 31" in problem.what
    assert problem.where == "/data/feb.nc"
    oversize = virtual(shape=(5, 4), chunk_shape=(1024, 2))
    assert concatenate([oversize], axis=0).shape == (5, 4)
    assert [p.code for p in problems_of_concat([oversize, oversize], axis=0)] == ["concat-ragged"]


def test_fill_values_matter_only_where_chunks_are_missing() -> None:
    zeros, ones = stored(np.arange(4), (2,)), stored(np.arange(4), (2,), fill_value=1)
    unwritten = stored(np.arange(4), (2,), fill_value=1, states="fm")
    also_unwritten = stored(np.arange(4), (2,), fill_value=0, states="m")
    assert problems_of_concat([zeros.array, ones.array], axis=0) == []
    joined_array = concatenate([zeros.array, unwritten.array], axis=0)
    np.testing.assert_array_equal(values_of(joined_array), [0, 1, 2, 3, 0, 1, 1, 1])
    problems = problems_of_concat([unwritten.array, also_unwritten.array], axis=0)
    assert [problem.code for problem in problems] == ["concat-fill-value"]


def test_one_problem_for_many_files_that_differ_alike() -> None:
    arrays = [virtual(), *(virtual(f"/data/{i}.nc", shape=(31, 6)) for i in range(1, 51))]
    (problem,) = problems_of_concat(arrays, axis=0)
    assert problem.where == "/data/1.nc and 49 more"


@pytest.mark.parametrize(
    ("arrays", "axis", "code"),
    [([], 0, "concat-empty"), ([virtual()], 2, "concat-axis"), ([virtual()], -3, "concat-axis")],
)
def test_nothing_and_nowhere(arrays, axis: int, code: str) -> None:
    assert [p.code for p in problems_of_concat(arrays, axis=axis)] == [code]
    assert [p.code for p in problems_of_stack(arrays, axis=axis * 2)] == [code]


def test_codecs_that_depend_on_axes_do_not_stack() -> None:
    inner = {"chunk_shape": [31, 2], "codecs": RAW, "index_codecs": RAW}
    sharded = [{"name": "sharding_indexed", "configuration": inner}]
    arrays = [virtual(codecs=sharded), virtual(codecs=sharded)]
    assert [p.code for p in problems_of_stack(arrays, axis=0)] == ["axis-codecs"]
    assert problems_of_concat(arrays, axis=1) == []
    with pytest.raises(ManifestError, match="axis-codecs"):
        stack(arrays, axis=0)


def test_decoding_attributes_survive_what_xarray_does_to_its_own() -> None:
    attributes = {"scale_factor": 0.5, "units": "K", "long_name": "air"}
    array = virtual(attributes=attributes)
    whole = stack([concatenate([array, array], axis=0)], axis=0)[0]
    assert whole.attributes == attributes
    assert changed_metadata(array.metadata).attributes is not array.metadata.attributes
