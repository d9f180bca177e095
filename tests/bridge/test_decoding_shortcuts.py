"""What is decoded without xarray's decoder is what that makes of it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.bridge._xarray import decoded_times
from zarrchive.bridge.decoding import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["units", "calendar", "long_name", "_FillValue", "scale_factor", "dtype", "_Unsigned"]
    ),
    st.sampled_from(
        ["K", "days", "degrees_north", "days since 2000-01-01", "since", "true", "standard", "x"]
    ),
)
DTYPES = st.sampled_from(["i2", "i4", "i8", "u1", "f4", "f8", "?"])
UNITS = st.sampled_from(["days", "hours", "minutes", "seconds", "milliseconds", "months"])
EPOCHS = st.sampled_from(
    ["1970-01-01", "2000-02-29 12:30:00", "1900-1-1", "0001-01-01", "1850-01-01T00:00:00Z", "x"]
)
CALENDARS = st.sampled_from(
    [None, "standard", "gregorian", "proleptic_gregorian", "noleap", "360_day", "julian", "none"]
)


def by_xarray(variable: xr.Variable) -> xr.Variable:
    copy = xr.Variable(variable.dims, variable.data.copy(), dict(variable.attrs))
    decoded, _, _ = xr.conventions.decode_cf_variables({"x": copy}, {})
    return decoded["x"].load()


def outcome(decode: Callable[[xr.Variable], xr.Variable], variable: xr.Variable):
    """Return the decoded variable, or None where it is refused, in whatever way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return decode(variable)
        except Exception:  # noqa: BLE001 - xarray refuses in many ways
            return None


def assert_alike(found: xr.Variable, expected: xr.Variable) -> None:
    xr.testing.assert_identical(found, expected)
    assert found.dtype == expected.dtype
    assert found.encoding == expected.encoding


@given(attributes=ATTRIBUTES, dtype=DTYPES)
def test_plain_variables_are_returned_by_xarray_as_they_are(attributes, dtype) -> None:
    variable = xr.Variable(("x",), np.arange(3).astype(dtype), attributes)
    if is_plain(variable):
        variable.encoding["dtype"] = variable.dtype
        assert_alike(variable, by_xarray(variable))


@given(
    values=st.lists(st.integers(-(10**5), 10**6), min_size=1, max_size=5),
    dtype=st.sampled_from(["i4", "i8", "f4", "f8"]),
    units=UNITS,
    epoch=EPOCHS,
    calendar=CALENDARS,
)
def test_times_are_those_of_xarray(values, dtype, units, epoch, calendar) -> None:
    attributes = {"units": f"{units} since {epoch}", "long_name": "time"}
    if calendar is not None:
        attributes["calendar"] = calendar
    variable = xr.Variable(("x",), np.array(values, dtype), attributes)
    assert_same_outcome(variable)


def assert_same_outcome(variable: xr.Variable) -> None:
    found, expected = outcome(decoded_times, variable), outcome(by_xarray, variable)
    assert (found is None) == (expected is None)
    if found is not None:
        assert_alike(found, expected)


@pytest.mark.parametrize("values", [[np.nan, 1.0], [0.5, 1.25], [1e300]])
def test_odd_times(values) -> None:
    variable = xr.Variable(("x",), np.array(values), {"units": "days since 2000-01-01"})
    assert_same_outcome(variable)
