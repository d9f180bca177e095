"""Quick looks, against xarray's own reading of the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import xarray as xr

from zarrchive.readers import read_group
from zarrchive.session.preview import Wanted, preview, preview_cost

if TYPE_CHECKING:
    from pathlib import Path


def look(path: Path, name: str, **wanted: Any) -> tuple[dict[str, Any], np.ndarray]:
    picture, buffer = preview(read_group(str(path)), name, Wanted(**wanted))
    return picture, np.frombuffer(buffer, np.float32).reshape(picture["shape"] if buffer else (0,))


def test_an_image_has_the_values_axes_and_units_of_xarray(months: Path) -> None:
    picture, values = look(months / "a.nc", "/t2m", index={"time": 2})
    with xr.open_dataset(months / "a.nc") as expected:
        step = expected["t2m"].isel(time=2)
        np.testing.assert_array_equal(values, step.values)
        assert picture["x"]["values"] == expected["lon"].values.tolist()
        assert picture["y"]["values"] == expected["lat"].values.tolist()
    assert (picture["kind"], picture["x_dim"], picture["y_dim"]) == ("image", "lon", "lat")
    assert (picture["units"], picture["y"]["units"]) == ("K", "degrees_north")
    assert picture["min"] == pytest.approx(values.min())
    assert picture["max"] == pytest.approx(values.max())
    assert picture["sliders"] == [{"dim": "time", "size": 4, "index": 2, "label": "2020-01-11"}]
    assert picture["dims"][0] == {"name": "time", "size": 4}


def test_a_line_along_time_has_times(months: Path) -> None:
    picture, values = look(months / "a.nc", "/t2m", x="time", index={"lat": 1, "lon": 5})
    assert (picture["kind"], picture["shape"], picture["y_dim"]) == ("line", [4], None)
    with xr.open_dataset(months / "a.nc") as expected:
        np.testing.assert_array_equal(values, expected["t2m"][:, 1, 5])
        milliseconds = expected["time"].values.astype("M8[ms]").astype(int).tolist()
    assert picture["x"]["kind"] == "time"
    assert picture["x"]["values"] == milliseconds


def test_only_the_chunks_of_the_picture_are_read(months: Path) -> None:
    root = read_group(str(months / "a.nc"))
    picture, _ = preview(root, "/t2m", Wanted(index={"time": 2}))
    entry = root.arrays["t2m"].manifest[2, 0, 0]
    assert (picture["bytes"], picture["requests"]) == (entry.length, 1)
    assert preview_cost(root.arrays["t2m"], Wanted(x="time")).requests == 4


@pytest.mark.parametrize("size", [511, 512, 513, 3000])
def test_large_pictures_are_thinned_out(tmp_path: Path, size: int) -> None:
    data = np.arange(size * 600, dtype="f4").reshape(size, 600)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["big"] = data
    picture, values = look(tmp_path / "a.h5", "/big")
    assert max(values.shape) <= 512
    rows, columns = picture["step"]
    np.testing.assert_array_equal(values, data[::rows, ::columns])
    assert len(picture["x"]["values"]) == values.shape[1]
    assert picture["x"]["kind"] == "index"


def test_packed_and_missing_values_are_decoded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        packed = file.create_dataset("v", data=np.array([0, 10, -1, 20], "i2"))
        packed.attrs.update(scale_factor=0.5, add_offset=100.0, _FillValue=np.int16(-1))
    picture, values = look(tmp_path / "a.h5", "/v")
    np.testing.assert_array_equal(values, [100, 105, np.nan, 110])
    assert (picture["missing"], picture["min"], picture["max"]) == (1, 100, 110)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (np.float32(1.5), "values", "1.5"),
        (np.array([b"ab", b"c"]), "text", "ab\nc"),
        (np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")]), "text", "2.5"),
        ("grüße <b>", "text", "grüße <b>"),
        (np.zeros(0), "line", ""),
        (np.array([1 + 2j]), "line", "magnitude"),
    ],
    ids=["scalar", "bytes", "compound", "string", "empty", "complex"],
)
def test_everything_else_is_text(tmp_path: Path, value: object, kind: str, words: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = value
    picture, _ = look(tmp_path / "a.h5", "/v")
    assert picture["kind"] == kind
    assert words in picture["text"]


def test_units_that_make_no_sense_do_not_hide_the_values(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = np.arange(3.0)
        file["v"].attrs["units"] = "days since the flood"
    picture, values = look(tmp_path / "a.h5", "/v")
    np.testing.assert_array_equal(values, [0, 1, 2])
    assert picture["kind"] == "line"


def test_coordinates_come_from_groups_above(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.array([10.0, 20.0])
        file["x"].make_scale("x")
        file["g/h/v"] = np.array([1.0, 2.0])
        file["g/h/v"].dims[0].attach_scale(file["x"])
    picture, _ = look(tmp_path / "a.h5", "/g/h/v")
    assert picture["x"]["values"] == [10.0, 20.0]


def test_characters_are_joined_into_strings(tmp_path: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("station", 2)
        file.createDimension("length", 4)
        names = file.createVariable("names", "S1", ("station", "length"))
        names[:] = netCDF4.stringtochar(np.array([b"Oslo", b"Rome"]))
    picture, _ = look(tmp_path / "a.nc", "/names")
    assert (picture["kind"], picture["text"]) == ("text", "Oslo\nRome")
