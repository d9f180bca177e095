"""What cannot be read: one clear Problem in every entry point, quickly, and nothing else stops."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import xarray as xr

import zarrchive
from zarrchive.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(60)


def good_file(path: Path, start: int = 0) -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(start, start + 4.0)
        file["x"].make_scale("x")
        data = file.create_dataset("v", data=np.arange(4.0) + start, chunks=(2,))
        data.dims[0].attach_scale(file["x"])
    return path


def html(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")


def truncated(path: Path) -> None:
    good_file(path)
    path.write_bytes(path.read_bytes()[:700])


def zeroed(path: Path) -> None:
    good_file(path)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:64] + bytes(size - 64))


def signature_only(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n")


def unreadable(path: Path) -> None:
    good_file(path)
    path.chmod(0)


def listening_socket(path: Path) -> None:
    # A bound name outlives its socket; the address must be short.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


BAD: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "html": html,
    "truncated": truncated,
    "zeroed": zeroed,
    "signature-only": signature_only,
    "random": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "text": lambda path: path.write_text("station,value\n1,2\n"),
    "gzip": lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(100)),
    "netcdf3-damaged": lambda path: path.write_bytes(b"CDF\x01" + b"\xff" * 60),
    "grib": lambda path: path.write_bytes(b"GRIB" + bytes(60)),
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "missing": lambda path: None,
    "dangling-link": lambda path: path.symlink_to("nowhere.nc"),
    "link-to-itself": lambda path: path.symlink_to(path.name),
    "socket": listening_socket,
    "character-device": lambda path: path.symlink_to("/dev/zero"),
}
if os.geteuid() != 0:  # root may read everything
    BAD["unreadable"] = unreadable


@pytest.fixture(params=BAD)
def bad(request, tmp_path) -> Path:
    path = tmp_path / "month_02.nc"
    BAD[request.param](path)
    return path


OPENERS: dict[str, Callable[[str], object]] = {
    "dataset": zarrchive.open_virtual_dataset,
    "datatree": zarrchive.open_virtual_datatree,
    "engine": lambda path: xr.open_dataset(path, engine="zarrchive"),
    "engine-datatree": lambda path: xr.open_datatree(path, engine="zarrchive"),
}


@pytest.mark.parametrize("opener", OPENERS)
def test_opening_names_the_file_and_the_way_out(bad, opener) -> None:
    with pytest.raises(zarrchive.ZarrchiveError) as caught:
        OPENERS[opener](str(bad))
    problem = caught.value.problem
    assert "month_02.nc" in problem.where
    assert problem.what
    assert problem.hint


def test_others_are_combined_without_it(bad, tmp_path) -> None:
    files = [good_file(tmp_path / "month_01.nc"), bad, good_file(tmp_path / "month_03.nc", 4)]
    with pytest.raises(zarrchive.ZarrchiveError, match="month_02"):
        zarrchive.open_virtual_mfdataset([str(file) for file in files])
    combined = zarrchive.open_virtual_mfdataset([str(f) for f in files], on_problem="skip")
    assert combined.sizes["x"] == 8
    assert any("month_02.nc" in problem.where for problem in combined.virtual.problems)
    np.testing.assert_array_equal(combined.virtual.open()["v"].values, np.arange(8.0))


def test_command_line_says_it_in_one_problem(bad, capsys) -> None:
    assert main(["inspect", str(bad)]) == 1
    said = capsys.readouterr()
    assert "month_02.nc" in said.err.replace("\n", "")
    assert "Traceback" not in said.err + said.out


def test_wrong_suffix_does_not_matter(tmp_path) -> None:
    path = good_file(tmp_path / "data.jpg")
    dataset = zarrchive.open_virtual_dataset(str(path))
    np.testing.assert_array_equal(dataset.virtual.open()["v"].values, np.arange(4.0))


def test_damage_to_one_dataset_keeps_the_others(tmp_path) -> None:
    path = tmp_path / "late.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("first", data=np.arange(8.0), chunks=(4,))
        file.create_dataset("last", data=np.arange(100_000.0))
        end = file["last"].id.get_offset() + 8000
    os.truncate(path, end)
    # HDF5 refuses a file that ends before its own end-of-file address: all of it is unusable.
    with pytest.raises(zarrchive.ZarrchiveError, match="late"):
        zarrchive.open_virtual_dataset(str(path))


def test_5000_variables(tmp_path) -> None:
    path = tmp_path / "wide.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(5000):
            file[f"v{number:04d}"] = np.float32(number)
    dataset = zarrchive.open_virtual_dataset(str(path))
    assert len(dataset.variables) == 5000
    assert float(dataset.virtual.open()["v4321"]) == 4321


def test_2000_groups_side_by_side(tmp_path) -> None:
    path = tmp_path / "groups.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(2000):
            file[f"g{number:04d}/v"] = np.arange(3) + number
    tree = zarrchive.open_virtual_datatree(str(path))
    assert len(tree.children) == 2000
    assert tree["g1999"].dataset["v"].shape == (3,)


def test_300_nested_groups(tmp_path) -> None:
    path = tmp_path / "deep.h5"
    names = "/".join(f"n{level}" for level in range(300))
    with h5py.File(path, "w") as file:
        file[f"{names}/v"] = np.arange(3)
    tree = zarrchive.open_virtual_datatree(str(path))
    opened = zarrchive.open_virtual_dataset(str(path), group=names).virtual.open()
    np.testing.assert_array_equal(opened["v"].values, np.arange(3))
    assert tree[f"/{names}"].dataset["v"].shape == (3,)


def test_unwritten_grid_of_a_million_million_chunks(tmp_path) -> None:
    path = tmp_path / "sparse.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("v", (10**6, 10**6), "i2", chunks=(1, 1), fillvalue=7)
        data[123_456, 654_321] = 5
    dataset = zarrchive.open_virtual_dataset(str(path))
    assert dataset["v"].shape == (10**6, 10**6)
    values = dataset.virtual.open()["v"][123_456, 654_320:654_323].values
    np.testing.assert_array_equal(values, [7, 5, 7])
    dataset.virtual.to_kerchunk(str(tmp_path / "sparse.json"), zarr_format=3)
