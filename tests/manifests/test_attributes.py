"""Attributes as JSON, read back by xarray."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests import ManifestGroup, ManifestStore
from zarrchive.manifests.attributes import attributes_to_json, encode_attributes
from zarrchive.testing.strategies import attribute_values, stored

NUMBERS = ["i1", "<u2", ">i4", "<i8", ">f4", "<f8", "f2"]


@given(st.dictionaries(st.text(), attribute_values()))
def test_what_is_encoded_is_json(attributes) -> None:
    encoded = attributes_to_json(attributes)
    again = json.loads(json.dumps(encoded))
    assert again.keys() == attributes.keys()
    for name, value in attributes.items():
        if isinstance(value, str | bytes):
            # NumPy would cut zeros from the end of text.
            assert again[name] == (value.decode() if isinstance(value, bytes) else value)
        elif isinstance(value, float | np.floating) and math.isnan(value):
            assert math.isnan(again[name])
        else:
            assert again[name] == np.asarray(value).tolist()


@given(st.sampled_from(NUMBERS), st.integers(0, 100), st.sampled_from([(), (1,)]))
def test_xarray_reads_the_fill_value_back(dtype: str, number: int, shape: tuple) -> None:
    fill = np.full(shape, number, dtype=dtype)[()]
    case = stored(np.array([number, 1]).astype(dtype), (2,), attributes={"_FillValue": fill})
    with xr.open_zarr(
        ManifestStore(ManifestGroup(arrays={"a": case.array})),
        consolidated=False,
        chunks=None,
        mask_and_scale=False,
    ) as ds:
        assert ds.a.attrs["_FillValue"] == number
        assert ds.a.values.tolist() == case.truth.tolist()


@pytest.mark.parametrize("fill", [np.nan, np.inf, 9.969209968386869e36, -0.0])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
def test_special_fill_values(fill: float, dtype: str) -> None:
    value = np.array(fill, dtype=dtype)[()]
    case = stored(np.array([value, 1], dtype=dtype), (2,), attributes={"_FillValue": value})
    store = ManifestStore(ManifestGroup(arrays={"a": case.array}))
    with xr.open_zarr(store, consolidated=False, chunks=None) as ds:
        assert ds.a.isnull().values.tolist() == [True, False]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.bool_(True), True),
        (True, True),
        (None, None),
        (b"caf\xc3\xa9", "café"),
        (np.array([b"a", b"bc"]), ["a", "bc"]),
        (np.array(["x"], dtype="U3"), ["x"]),
        (np.array([[1, 2], [3, 4]], dtype="i1"), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.str_("s"), "s"),
        (np.longdouble(0.5), 0.5),
        (np.datetime64("2020-01-02"), "2020-01-02"),
        (np.array(["2020-01-02"], dtype="M8[s]"), ["2020-01-02T00:00:00"]),
        (("a", 1), ["a", 1]),
        (np.array([], dtype="f4"), []),
        (np.array(["a", b"b"], dtype=object), ["a", "b"]),
    ],
    ids=repr,
)
def test_every_kind_of_value(value, expected) -> None:
    encoded = attributes_to_json({"a": value})["a"]
    assert encoded == expected
    assert type(encoded) is type(expected)
    json.dumps(encoded)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 + 2j, [1.0, 2.0]),
        (np.complex64(1.5), [1.5, 0.0]),
        (np.array([1j, 2]), [[0.0, 1.0], [2.0, 0.0]]),
        (np.array((1, 2j), [("a", "i4"), ("z", "c8")])[()], {"a": 1, "z": [0.0, 2.0]}),
    ],
    ids=["Python", "NumPy", "array", "field"],
)
def test_complex_numbers_are_pairs_and_said_so(value, expected) -> None:
    values, (problem,) = encode_attributes({"a": value})
    assert values["a"] == expected
    assert (problem.code, problem.severity) == ("attribute-complex", "warning")


def test_compound_values_are_objects() -> None:
    dtype = [("n", "i2"), ("text", "S4"), ("inner", [("x", "f4", (2,))])]
    values = np.array([(1, b"ab", (([0.5, 1],))), (2, b"caf\xe9", (([2, 3],)))], dtype)
    expected = [
        {"n": 1, "text": "ab", "inner": {"x": [0.5, 1.0]}},
        {"n": 2, "text": "café", "inner": {"x": [2.0, 3.0]}},
    ]
    encoded, (problem,) = encode_attributes({"a": values, "b": values[0]})
    assert encoded == {"a": expected, "b": expected[0]}
    assert problem.code == "attribute-encoding"
    json.dumps(encoded)


@pytest.mark.parametrize(
    "value",
    [np.zeros(2, dtype="V3"), np.zeros((), [("a", "V4")]), object(), {1: 2},
     np.timedelta64(1, "s")],
    ids=["opaque", "struct of opaque", "object", "number as key", "timedelta"],
)  # fmt: skip
def test_what_json_cannot_hold(value) -> None:
    with pytest.raises(ManifestError) as caught:
        attributes_to_json({"good": 1, "bad": value})
    assert caught.value.problem.code == "attribute-not-json"
    assert "'bad'" in caught.value.problem.what
    values, (problem,) = encode_attributes({"good": 1, "bad": value}, where="f.nc", variable="/a")
    assert values == {"good": 1}
    assert (problem.where, problem.variable, problem.severity) == ("f.nc", "/a", "error")


def test_endless_nesting_is_refused() -> None:
    value: list = []
    value.append(value)
    assert [p.code for p in encode_attributes({"a": value}).problems] == ["attribute-not-json"]


@pytest.mark.parametrize("value", [b"caf\xe9", np.array([b"ok", b"caf\xe9"]), "caf\udce9"])
def test_text_that_is_not_utf8_is_read_as_latin1_and_said_so(value) -> None:
    values, (problem,) = encode_attributes({"a": value})
    assert "café" in values["a"]
    json.dumps(values, ensure_ascii=False).encode()
    assert (problem.code, problem.severity) == ("attribute-encoding", "warning")


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [
        (b"x", "S1"),
        ("missing", np.dtypes.StringDType()),
        (np.array([1, 2]), "i4"),
        (np.float32(np.nan), "i2"),
        ("text", "f4"),
        (np.void(b"ab"), "V2"),
    ],
    ids=repr,
)
def test_fill_values_that_xarray_cannot_read_are_left_out_with_a_warning(fill, dtype) -> None:
    attributes = {"_FillValue": fill, "units": "1"}
    values, (problem,) = encode_attributes(attributes, np.dtype(dtype))
    assert values == {"units": "1"}
    assert (problem.code, problem.severity) == ("attribute-fill-value", "warning")
    assert attributes_to_json(attributes, np.dtype(dtype)) == {"units": "1"}


def test_without_a_data_type_it_is_an_attribute_like_any_other() -> None:
    assert attributes_to_json({"_FillValue": np.float32(0.5)}) == {"_FillValue": 0.5}
    complex_fill = attributes_to_json({"_FillValue": 1 + 2j}, np.dtype("c16"))["_FillValue"]
    assert complex_fill == ["AAAAAAAA8D8=", "AAAAAAAAAEA="]
    assert attributes_to_json({"_FillValue": np.int8(1)}, np.dtype(bool)) == {"_FillValue": True}
