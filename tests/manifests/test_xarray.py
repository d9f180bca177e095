"""ManifestArray inside xarray: what works by references, and what is refused by name."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import xarray as xr

from zarrchive.errors import ManifestError
from zarrchive.manifests import ManifestArray
from zarrchive.manifests.comparison import Comparison
from zarrchive.manifests.values import values_of
from zarrchive.testing.strategies import StoredArray, stored

CHEAP = {
    "data_vars": "minimal",
    "coords": "minimal",
    "join": "exact",
    "combine_attrs": "override",
}
COMPATS = ["equals", "no_conflicts", "broadcast_equals", "identical", "override"]


def air(n_time: int = 4, start: int = 0, **changes: object) -> StoredArray:
    values = start + np.arange(n_time * 12, dtype=np.int16).reshape(n_time, 4, 3)
    return stored(values, (1, 2, 3), **changes)


def encoded() -> ManifestArray:
    return air(codecs=[{"name": "numcodecs.zlib", "configuration": {"level": 1}}]).array


def dataset(data: StoredArray, start: int = 0, **extra: object) -> xr.Dataset:
    time = np.arange(start, start + data.truth.shape[0])
    variables = {"air": (("time", "y", "x"), data.array), **extra}
    return xr.Dataset(variables, coords={"time": time})


MASK = stored(np.arange(3, dtype=np.float32), (3,), name="mask")
OTHER_MASK = stored(np.arange(3, dtype=np.float32) + 1, (3,), name="mask")
NUMBERS = stored(np.arange(3), (3,), name="numbers")


@pytest.fixture
def months() -> tuple[StoredArray, StoredArray]:
    return air(4), air(3, start=100)


def test_concat_and_combine(months) -> None:
    parts = [
        dataset(month, start, mask=("x", MASK.array))
        for month, start in zip(months, (0, 4), strict=True)
    ]
    expected = np.concatenate([month.truth for month in months])
    for whole in (
        xr.concat(parts, "time", compat="equals", **CHEAP),
        xr.combine_by_coords(parts[::-1], compat="no_conflicts", **CHEAP),
        xr.combine_nested(parts, "time", compat="override", **CHEAP),
    ):
        assert isinstance(whole.air.data, ManifestArray)
        np.testing.assert_array_equal(values_of(whole.air.data), expected)
        assert whole.mask.data is MASK.array


def test_stack_into_a_new_dimension(months) -> None:
    members = [dataset(air(4, start=s)).drop_vars("time") for s in (0, 50)]
    keywords = CHEAP | {"data_vars": "all"}
    whole = xr.concat(members, "member", compat="equals", **keywords)
    assert whole.air.dims == ("member", "time", "y", "x")
    expected = np.stack([air(4, start=s).truth for s in (0, 50)])
    np.testing.assert_array_equal(values_of(whole.air.data), expected)


@pytest.mark.parametrize("compat", COMPATS)
@pytest.mark.parametrize("variable", [MASK, NUMBERS], ids=["float", "int"])
def test_merging_compares_references(compat: str, variable: StoredArray) -> None:
    left = dataset(air(), mask=("x", variable.array))
    again = ManifestArray(variable.array.metadata, variable.array.manifest)
    right = xr.Dataset({"mask": ("x", again)})
    merged = xr.merge([left, right], compat=compat, join="exact")
    assert isinstance(merged.mask.data, ManifestArray)


@pytest.mark.parametrize("compat", COMPATS[:-1])
@pytest.mark.parametrize(
    "other", [("x", OTHER_MASK.array), ("x", np.arange(3, dtype=np.float32))], ids=["ref", "numpy"]
)
def test_merging_other_references_is_a_conflict(compat: str, other: object) -> None:
    left = dataset(air(), mask=("x", MASK.array))
    with pytest.raises(xr.MergeError, match="mask"):
        xr.merge([left, xr.Dataset({"mask": other})], compat=compat, join="exact")
    assert not left.equals(left.assign(mask=other))


def test_same_bytes_under_another_scale_are_not_equal() -> None:
    left = stored(np.arange(3), (3,), attributes={"scale_factor": 0.5})
    right = stored(np.arange(3), (3,), attributes={"scale_factor": 0.25})
    assert left.array.manifest == right.array.manifest
    assert left.array != right.array
    assert not bool(np.equal(left.array, right.array))


def test_identical_and_copies(months) -> None:
    ds = dataset(months[0])
    again = pickle.loads(pickle.dumps(ds))
    assert ds.identical(again)
    xr.testing.assert_identical(ds, ds.copy(deep=True))
    assert ds.copy(deep=True).air.data is months[0].array
    assert copy.copy(months[0].array) is months[0].array.copy()
    assert not ds.equals(dataset(air(4, start=9)))


OPERATIONS = {
    "isel int": lambda ds: ds.isel(time=2),
    "isel slice": lambda ds: ds.isel(time=slice(1, 3), y=slice(2, None)),
    "isel list": lambda ds: ds.isel(time=[3, 0, 0]),
    "isel two lists": lambda ds: ds.isel(time=[3, 0], y=[2, 3]),
    "isel int and list": lambda ds: ds.isel(time=1, y=[0, 1]),
    "isel mask": lambda ds: ds.isel(time=np.array([True, False, True, False])),
    "sel": lambda ds: ds.sel(time=slice(1, 2)),
    "sel nearest": lambda ds: ds.sel(time=[0.2, 2.9], method="nearest"),
    "sortby": lambda ds: ds.sortby("time", ascending=False),
    "roll": lambda ds: ds.roll(time=1),
    "head": lambda ds: ds.head(time=2),
    "reindex": lambda ds: ds.reindex(time=[3, 1]),
    "drop_duplicates": lambda ds: ds.drop_duplicates("time"),
    "expand_dims": lambda ds: ds.expand_dims("member"),
    "expand_dims many": lambda ds: ds.expand_dims(member=3),
    "expand_dims last": lambda ds: ds.expand_dims({"member": 2}, axis=-1),
    "expand and squeeze": lambda ds: ds.expand_dims("member").squeeze("member"),
    "broadcast": lambda ds: xr.broadcast(ds, xr.DataArray(np.zeros(2), dims="q"))[0],
    "broadcast_like": lambda ds: ds.broadcast_like(xr.DataArray(np.zeros(2), dims="q")),
    "transpose a free axis": lambda ds: ds.transpose("y", "time", "x"),
    "rename": lambda ds: ds.rename(air="t", time="when"),
    "swap_dims": lambda ds: ds.assign_coords(n=("time", np.arange(4) * 2)).swap_dims(time="n"),
    "set_coords": lambda ds: ds.set_coords("air").reset_coords("air"),
    "astype same": lambda ds: ds.astype(np.int16),
    "group and join again": lambda ds: xr.concat(
        [part for _, part in ds.groupby("time")], "time", **CHEAP, compat="override"
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_rearranging_gives_what_xarray_gives_for_values(operation) -> None:
    virtual = dataset(air())
    expected = operation(virtual.assign(air=(virtual.air.dims, air().truth)))
    result = operation(virtual)
    (name,) = result.data_vars
    assert isinstance(result[name].data, ManifestArray)
    assert result[name].dims == expected[name].dims
    np.testing.assert_array_equal(values_of(result[name].data), expected[name].values)


REARRANGED = {
    "transpose": lambda ds: ds.transpose("x", "y", "time"),
    "isel within a raw chunk": lambda ds: ds.isel(y=1),
    "step within a raw chunk": lambda ds: ds.isel(x=slice(None, None, 2)),
    "reverse": lambda ds: ds.isel(y=slice(None, None, -1)),
    "integers": lambda ds: ds.isel(y=[3, 0, 0], x=[2, 1]),
    "mask": lambda ds: ds.isel(y=np.array([True, False, False, True])),
    "sort": lambda ds: ds.sortby("time", ascending=False),
    "roll": lambda ds: ds.roll(y=1),
}


@pytest.mark.parametrize("operation", REARRANGED.values(), ids=REARRANGED.keys())
def test_what_moves_raw_elements_is_what_xarray_makes_of_the_values(operation) -> None:
    case = air()
    ds = dataset(case)
    result = operation(ds)
    expected = operation(ds.assign(air=(ds.air.dims, case.truth)))
    assert result.air.dims == expected.air.dims
    np.testing.assert_array_equal(values_of(result.air.data), expected.air.values)


REFUSED = {
    "arithmetic": lambda ds: ds + 1,
    "comparison with a number": lambda ds: (ds.air == 3).values,
    "values": lambda ds: ds.air.values,
    "asarray": lambda ds: np.asarray(ds.air.data),
    "mean": lambda ds: ds.mean(),
    "sum over time": lambda ds: ds.air.sum("time"),
    "astype": lambda ds: ds.astype("f8"),
    "isel within an encoded chunk": lambda ds: ds.assign(air=(ds.air.dims, encoded())).isel(y=1),
    "pointwise": lambda ds: ds.isel(
        y=xr.DataArray([0, 1], dims="q"), x=xr.DataArray([0, 1], dims="q")
    ),
    "stack dimensions": lambda ds: ds.stack(q=("y", "x")),
    "where": lambda ds: ds.where(ds.time > 1),
    "fillna": lambda ds: ds.fillna(0),
    "isnull": lambda ds: ds.air.isnull().values,
    "any null": lambda ds: ds.air.isnull().any(),
    "all equal": lambda ds: (ds.air == ds.air).all(),
    "shift": lambda ds: ds.shift(time=1),
    "pad": lambda ds: ds.pad(time=1),
    "rolling": lambda ds: ds.rolling(time=2).mean(),
    "coarsen": lambda ds: ds.coarsen(time=2).mean(),
    "cumsum": lambda ds: ds.cumsum("time"),
    "dot": lambda ds: ds.air.dot(ds.air),
    "reindex with gaps": lambda ds: ds.reindex(time=[1, 9]),
    "full_like": lambda ds: xr.full_like(ds, 0),
    "item": lambda ds: ds.air.isel(time=0).data.item(),
    "truth": lambda ds: bool(ds.air.data),
    "float": lambda ds: float(ds.air.data),
    "assign": lambda ds: ds.air.__setitem__(0, 0),
    "to_dataframe": lambda ds: ds.to_dataframe(),
    "assert_allclose": lambda ds: xr.testing.assert_allclose(ds, dataset(air(4, start=5))),
    "concat with values": lambda ds: xr.concat(
        [ds, ds.assign(air=(ds.air.dims, air().truth))], "time", compat="equals", **CHEAP
    ),
}


@pytest.mark.parametrize("operation", REFUSED.values(), ids=REFUSED.keys())
def test_what_needs_values_is_refused_with_the_way_out(operation) -> None:
    with pytest.raises(ManifestError) as caught:
        operation(dataset(air()))
    problem = caught.value.problem
    assert problem.code in {"array-needs-values", "index-misaligned", "concat-loaded"}
    assert "ds.virtual.open()" in problem.hint or "loadable_variables=['air']" in problem.hint


def test_a_difference_between_files_surfaces_through_xarray(months) -> None:
    parts = [dataset(months[0]), dataset(air(3, attributes={"scale_factor": 0.5}), 4)]
    with pytest.raises(ManifestError, match=r"scale_factor is absent in .* but 0\.5"):
        xr.concat(parts, "time", compat="override", **CHEAP)
    big_endian = stored(np.zeros((3, 4, 3), ">i2"), (1, 2, 3))
    with pytest.raises(ManifestError, match="concat-dtype"):
        xr.concat([parts[0], dataset(big_endian, 4)], "time", compat="override", **CHEAP)


def test_byte_strings_of_one_length_join() -> None:
    names = stored(np.array([b"ab", b"c"]), (2,), name="names")
    parts = [xr.Dataset({"names": ("x", names.array)}) for _ in range(2)]
    whole = xr.concat(parts, "x", compat="override", **CHEAP)
    assert values_of(whole.names.data).tolist() == [b"ab", b"c"] * 2


def test_a_variable_missing_in_one_file_is_not_filled_silently(months) -> None:
    parts = [dataset(months[0]), dataset(months[1], 4).drop_vars("air")]
    with pytest.raises(ManifestError):
        xr.concat(parts, "time", compat="override", **CHEAP)


def test_reprs_are_short_and_read_nothing(months) -> None:
    ds = dataset(months[0])
    assert "ManifestArray<chunks (1, 2, 3), 8 refs>" in repr(ds)
    assert "8 refs" in ds._repr_html_()
    text = "<ManifestArray int16 (4, 4, 3), chunks (1, 2, 3), 8 refs to 1 file>"
    assert text in repr(ds.air)
    assert text.strip("<>") in ds.air._repr_html_()
    array = air(states="im").array
    assert array._repr_inline_(80) == "ManifestArray<chunks (1, 2, 3), 6 refs, 1 inlined>"
    assert array._repr_inline_(30) == "<6 refs, 1 inlined>"
    assert len(array._repr_inline_(10)) == 10
    assert repr(array).endswith("6 refs to 1 file, 1 inlined, 1 not stored>")
    assert "Comparison" in repr(ds.air.isnull())


def test_size_is_that_of_the_decoded_values(months) -> None:
    array, truth = months[0]
    assert (array.nbytes, array.size, len(array), array.ndim) == (96, 48, 4, 3)
    assert dataset(months[0]).air.nbytes == truth.nbytes
    assert (np.shape(array), np.ndim(array), np.size(array)) == ((4, 4, 3), 3, 48)
    with pytest.raises(TypeError):
        len(stored(np.array(1.0), ()).array)


def test_a_comparison_answers_only_one_question() -> None:
    array = MASK.array
    same, unknown = np.equal(array, array), np.isnan(array)
    assert isinstance(same, Comparison)
    assert bool(same)
    assert bool(np.all(same | (unknown & unknown)))
    assert not np.all((array == OTHER_MASK.array) | unknown | unknown)
    for question in (
        lambda: bool(unknown),
        lambda: np.all(same),
        lambda: np.all(unknown),
        lambda: np.any(same | unknown),
        lambda: np.asarray(same),
        lambda: np.logical_not(same),
        lambda: same.astype("i4"),
    ):
        with pytest.raises(ManifestError, match="array-needs-values"):
            question()
