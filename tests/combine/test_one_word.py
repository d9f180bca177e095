"""What `check` says and what combining does are one: files fit, or they do not.

Where they are combined, as they are or repaired, every file's values are in the result.
"""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from zarrchive import check, open_virtual_mfdataset
from zarrchive.errors import ZarrchiveError

PACKED: dict[str, Any] = {"scale_factor": 0.5, "units": "K"}
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "compression level": {"stored": {"complevel": 9}},
    "no compression": {"stored": {"zlib": False}},
    "no shuffle": {"stored": {"shuffle": False}},
    "two steps a chunk": {"stored": {"chunksizes": (2, 3, 2)}},
    "all steps in a chunk": {"stored": {"chunksizes": (4, 3, 2)}},
    "fill value": {"stored": {"fill_value": -8}},
    "wider integers": {"dtype": "i4"},
    "floats": {"dtype": "f4"},
    "byte order": {"dtype": ">i2", "stored": {"endian": "big"}},
    "scale": {"attributes": {**PACKED, "scale_factor": 0.25}},
    "scale in single precision": {"attributes": {**PACKED, "scale_factor": np.float32(0.5)}},
    "no scale": {"attributes": {"units": "K"}},
    "offset": {"attributes": {**PACKED, "add_offset": 1.0}},
    "units": {"attributes": {**PACKED, "units": "degC"}},
    "no units": {"attributes": {"scale_factor": 0.5}},
    "another missing value": {"attributes": {**PACKED, "missing_value": np.int16(-5)}},
    "unsigned": {"attributes": {**PACKED, "_Unsigned": "true"}},
    "long name": {"attributes": {**PACKED, "long_name": "another"}},
    "standard name": {"attributes": {**PACKED, "standard_name": "altitude"}},
    "a coordinate of its own": {"attributes": {**PACKED, "coordinates": "s"}},
    "times since another day": {"since": "days since 1999-12-31"},
    "times in hours": {"since": "hours since 2000-01-01"},
    "calendar": {"calendar": "noleap"},
    "another name of the calendar": {"calendar": "gregorian"},
    "integer times": {"time_dtype": "i4"},
    "overlapping times": {"shift": -2},
    "the same times": {"shift": -4},
    "a gap": {"shift": 50},
    "no times": {"since": "metres"},
    "another grid": {"y": [0, 1, 2.5]},
    "a grid that is rounded": {"y": [0, 1, 2.0001]},
    "a grid in reverse": {"y": [2, 1, 0]},
    "a grid in double precision": {"y_dtype": "f8"},
    "a longer grid": {"y": [0, 1, 2, 3], "stored": {"chunksizes": (1, 4, 2)}},
    "another order of dimensions": {"dims": "yt", "stored": {"chunksizes": (3, 1, 2)}},
    "a variable less": {"has_v": False},
    "a step more": {"n": 5},
    "one step": {"n": 1},
    "another number": {"s": 8},
    "a number of another type": {"s_dtype": "i8"},
    "a number for each place": {"s_dims": ("x",)},
    "a number for each time": {"s_dims": ("time",)},
    "another mask": {"m": 2.5},
    "a variable more": {"more": ("time",)},
    "a mask more": {"more": ("y",)},
}


def write(path, number: int, change: dict[str, Any]) -> str:
    """Write one file of a series, with what is changed in it."""
    get = change.get
    n, y = get("n", 4), get("y", [0, 1, 2])
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", None), ("y", len(y)), ("x", 2)):
            file.createDimension(name, size)
        time = file.createVariable("time", get("time_dtype", "f8"), ("time",))
        time.units = get("since", "days since 2000-01-01")
        if "calendar" in change:
            time.calendar = change["calendar"]
        time[:] = get("shift", 0) + 4 * number + np.arange(n)
        file.createVariable("y", get("y_dtype", "f4"), ("y",))[:] = y
        if get("has_v", True):
            stored = {"zlib": True, "chunksizes": (1, 3, 2), "fill_value": -9, **get("stored", {})}
            dims = ("y", "time", "x") if "dims" in change else ("time", "y", "x")
            v = file.createVariable("v", get("dtype", "i2"), dims, **stored)
            v.setncatts(get("attributes", PACKED))
            v.set_auto_maskandscale(False)
            sizes = {"time": n, "y": len(y), "x": 2}
            shape = [sizes[dim] for dim in dims]
            v[:] = number * 100 + np.arange(np.prod(shape)).reshape(shape)
        s = file.createVariable("s", get("s_dtype", "i4"), get("s_dims", ()))
        s[...] = np.full([n if dim == "time" else 2 for dim in get("s_dims", ())], get("s", 7))
        file.createVariable("m", "f4", ("y",))[:] = get("m", 1.5)
        if "more" in change:
            size = [n if dim == "time" else len(y) for dim in change["more"]]
            file.createVariable("more", "f4", change["more"])[:] = np.ones(size)
    return str(path)


@pytest.mark.filterwarnings("ignore:variable .* has multiple fill values")  # one file does
@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("change", CHANGES)
def test_files_fit_or_they_do_not(tmp_path, change: str, odd: int) -> None:
    paths = [
        write(tmp_path / f"{number}.nc", number, CHANGES[change] if number == odd else {})
        for number in range(3)
    ]
    report = check(paths)
    whole = combined(paths)
    assert (whole is not None) == report.fits, str(report)
    for found in (whole, combined(paths, on_problem="repair")):
        if found is not None:
            assert_values(found, paths)


def combined(paths: list[str], **options: Any) -> xr.Dataset | None:
    try:
        return open_virtual_mfdataset(paths, **options)
    except ZarrchiveError:
        return None


def assert_values(whole: xr.Dataset, paths: list[str]) -> None:
    """Compare what the result has at the places of each file with the file itself."""
    lazy = whole.virtual.open().load()
    for path in paths:
        with xr.open_dataset(path, engine="netcdf4") as one:
            if "v" not in one:
                continue
            found = lazy.v.sel(time=one.time.values).transpose(*one.v.dims)
            found = found.sel(y=one.y.values, method="nearest")
            np.testing.assert_array_equal(found.values, one.v.values)
