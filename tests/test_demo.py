"""The demonstration files, judged by netCDF4, h5netcdf and xarray."""

from __future__ import annotations

import os

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from zarrchive.demo import demo_files, make_demo
from zarrchive.demo.folder import default_folder
from zarrchive.demo.land import is_land
from zarrchive.demo.netcdf4 import pack

MONTHS = [name for name in demo_files() if name.startswith("reanalysis/")]
VOLUMES = [name for name in demo_files() if name.startswith("radar/")]
FIELDS = ("t2m", "msl", "u10", "tp", "sst")


def test_every_promised_file_is_made_and_nothing_else(demo_folder) -> None:
    found = {
        str(path.relative_to(demo_folder)) for path in demo_folder.rglob("*") if path.is_file()
    }
    assert found == set(demo_files())


def test_it_is_small(demo_folder) -> None:
    assert sum(path.stat().st_size for path in demo_folder.rglob("*.nc")) < 16_000_000


def test_it_is_the_same_every_time_and_only_what_is_missing_is_made(demo_folder, tmp_path) -> None:
    for name in demo_files():
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        if name not in {MONTHS[0], VOLUMES[0]}:
            copy.touch()
    make_demo(tmp_path)
    for name in (MONTHS[0], VOLUMES[0]):
        with h5py.File(demo_folder / name) as before, h5py.File(tmp_path / name) as after:
            assert _raw(before) == _raw(after)
    assert (tmp_path / MONTHS[1]).stat().st_size == 0


def test_a_failure_leaves_no_half_file(tmp_path, monkeypatch) -> None:
    def fail(path, **kwargs) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zarrchive.demo.folder.write_month", fail)
    with pytest.raises(OSError, match="No space left"):
        make_demo(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", [*MONTHS, *VOLUMES])
def test_netcdf4_takes_it_for_netcdf4(demo_folder, name) -> None:
    with netCDF4.Dataset(demo_folder / name) as file:
        assert file.data_model == "NETCDF4"
        for variable in _variables(file):
            shape = tuple(dimension.size for dimension in variable.get_dims())
            assert variable.shape == shape
            assert not any(dim.startswith("phony") for dim in variable.dimensions)


def test_a_month_has_what_archives_have(demo_folder) -> None:
    with netCDF4.Dataset(demo_folder / MONTHS[1]) as file:
        assert file.dimensions["time"].isunlimited()
        assert len(file.dimensions["time"]) == 28
        assert "bnds" in file.dimensions
        assert "bnds" not in file.variables
        for name in FIELDS:
            assert file[name].dimensions == ("time", "latitude", "longitude")
            assert file[name].chunking() == [1, 61, 120]
            assert file[name].filters()["shuffle"]
            assert file[name].filters()["zlib"]
        assert file["t2m"].dtype == np.int16
        assert file["tp"].dtype == np.float32
        assert file["t2m"].scale_factor == 0.02


def test_a_year_joins_into_365_days(demo_folder) -> None:
    with xr.open_mfdataset([demo_folder / name for name in MONTHS], engine="netcdf4") as year:
        steps = np.diff(year["time"].values)
        assert year.sizes["time"] == 365
        assert (steps == np.timedelta64(1, "D")).all()
        assert (year["time_bnds"][:, 1].values[:-1] == year["time_bnds"][:, 0].values[1:]).all()


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_values_are_plausible(demo_folder, engine) -> None:
    with xr.open_dataset(demo_folder / MONTHS[6], engine=engine) as july:
        north, south = july["t2m"].sel(latitude=60), july["t2m"].sel(latitude=-60)
        assert 190 < july["t2m"].min() < july["t2m"].max() < 330
        assert 95_000 < july["msl"].min() < july["msl"].max() < 107_000
        assert north.mean() > south.mean()
        assert (july["tp"] == 0).any()
        assert july["tp"].min() == 0
        land = july["sst"].isnull().all("time").values
        assert 0.2 < land.mean() < 0.5
        assert (land == july["sst"].isnull().any("time").values).all()


def test_no_two_days_are_the_same(demo_folder) -> None:
    with xr.open_mfdataset([demo_folder / name for name in MONTHS], engine="netcdf4") as year:
        means = year["t2m"].isel(latitude=slice(10, 20)).values.reshape(365, -1)
    assert len(np.unique(means, axis=0)) == 365


def test_sweeps_join_group_by_group(demo_folder) -> None:
    files = [demo_folder / name for name in VOLUMES]
    for group in ("sweep_0", "sweep_1"):
        with xr.open_mfdataset(
            files,
            group=group,
            engine="netcdf4",
            data_vars="minimal",
            compat="equals",
            coords="minimal",
            join="exact",
        ) as sweep:
            assert dict(sweep["DBZH"].sizes) == {"time": 4, "azimuth": 180, "range": 200}
            assert sweep["DBZH"].isnull().any()
            assert float(sweep["DBZH"].max()) > 30


def test_a_volume_is_a_tree(demo_folder) -> None:
    with xr.open_datatree(demo_folder / VOLUMES[0], engine="netcdf4") as volume:
        assert list(volume.children) == ["sweep_0", "sweep_1", "radar_parameters"]
        assert volume["sweep_group_name"].values.tolist() == ["sweep_0", "sweep_1"]
        assert volume["time_coverage_start"].item() == "2023-04-20T08:00:00Z"


def test_odd_files_are_odd(demo_folder) -> None:
    odd = demo_folder / "odd"
    with pytest.raises(OSError, match="Unknown file format"):
        netCDF4.Dataset(odd / "not-a-file.nc")
    with pytest.raises(OSError, match="HDF error"):
        netCDF4.Dataset(odd / "reanalysis_2023-11_truncated.nc")
    with netCDF4.Dataset(odd / "reanalysis_2023-12_other-grid.nc") as file:
        assert file["t2m"].shape[1:] != (61, 120)
    with netCDF4.Dataset(odd / "reanalysis_2023-12_other-packing.nc") as file:
        assert file["t2m"].scale_factor == pytest.approx(0.03)


def test_land_is_where_people_live() -> None:
    places = {"Cairo": (30, 31), "Denver": (40, 255), "Perth": (-30, 118), "Kyiv": (50, 30)}
    seas = {"Pacific": (0, 200), "Atlantic": (30, 320), "Indian Ocean": (-30, 80)}
    for latitude, longitude in places.values():
        assert is_land(np.array([latitude]), np.array([longitude])).all()
    for latitude, longitude in seas.values():
        assert not is_land(np.array([latitude]), np.array([longitude])).any()


def test_packing_keeps_missing_values_and_clips() -> None:
    packed = pack(np.array([1.0, np.nan, 1e9]), scale=0.5, offset=0.0, fill=-32767)
    assert packed.tolist() == [2, -32767, 32767]


@pytest.mark.skipif(os.name == "nt", reason="the variable is for other systems")
def test_the_default_folder_follows_the_platform(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder().parent == tmp_path / "zarrchive"


def _variables(group):
    yield from group.variables.values()
    for child in group.groups.values():
        yield from _variables(child)


def _raw(group) -> dict[str, tuple]:
    """Every stored value and attribute, by path."""
    found = {}

    def add(path, node) -> None:
        attributes = {
            name: value.tolist()
            for name, value in node.attrs.items()
            if name not in {"DIMENSION_LIST", "REFERENCE_LIST"}
        }
        values = node[()].tolist() if isinstance(node, h5py.Dataset) and node.shape else None
        found[path] = (repr(values), repr(attributes))

    group.visititems(add)
    return found
