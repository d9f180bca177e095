"""Batches of alike files are joined while they are read: the same as all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from zarrchive import CombineError, FormatError, open_virtual_mfdataset
from zarrchive.bridge import folding
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ZarrchiveError

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = {
    "": None,
    "history": lambda file: file.setncattr("history", "made again"),
    "units": lambda file: file["t"].setncattr("units", "degC"),
    "scale": lambda file: file["t"].setncattr("scale_factor", 0.25),
    "another place": lambda file: file["lat"].__setitem__(0, 11),
    "times that go back": lambda file: file["time"].__setitem__(0, file["time"][0] + 50),
    "a variable more": lambda file: file.createVariable("more", "f4", ("time",)),
    "another mask": lambda file: file["mask"].__setitem__(0, 5),
}


def write(path: Path, start: int, n: int, change: str = "") -> str:
    with netCDF4.Dataset(path, "w") as file:
        file.history = "made"
        file.createDimension("time", None)
        file.createDimension("lat", 2)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = start + np.arange(n)
        file.createVariable("lat", "f4", ("lat",))[:] = [10, 20]
        file.createVariable("mask", "i1", ("lat",))[:] = [1, 0]
        made = file.createVariable("t", "i2", ("time", "lat"), zlib=True, chunksizes=(1, 2))
        made.setncatts({"scale_factor": 0.5, "units": "K"})
        made.set_auto_maskandscale(False)
        made[:] = np.arange(n * 2).reshape(n, 2) + start
        if CHANGES[change] is not None:
            CHANGES[change](file)
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def _few_are_many_here():
    before = folding._MANY, folding._BATCH
    folding._MANY, folding._BATCH = 2, 2
    yield
    folding._MANY, folding._BATCH = before


def outcome(paths, **options):
    """Return what becomes of files; an error as its words."""
    try:
        return open_virtual_mfdataset(paths, **options)
    except ZarrchiveError as error:
        return [(problem.code, problem.what) for problem in error.problems]


@settings(max_examples=30)
@given(data=st.data(), change=st.sampled_from(sorted(CHANGES)))
def test_batch_by_batch_is_as_file_by_file(tmp_path_factory, data, change: str) -> None:
    folder = tmp_path_factory.mktemp("series")
    lengths = data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=7))
    odd = data.draw(st.integers(0, len(lengths) - 1))
    starts = np.cumsum([0, *lengths])
    paths = [
        write(folder / f"{number}.nc", int(starts[number]), n, change if number == odd else "")
        for number, n in enumerate(lengths)
    ]
    if data.draw(st.booleans()):
        paths = data.draw(st.permutations(paths))
    options = {"drop_variables": data.draw(st.sampled_from([None, "mask"]))}
    if data.draw(st.booleans()):
        options |= {"combine": "nested", "concat_dim": "time"}
    on_problem = data.draw(st.sampled_from(["raise", "skip"]))
    if on_problem == "skip":
        bad = folder / "bad.nc"
        bad.write_text("<html>")
        paths.insert(data.draw(st.integers(0, len(paths))), str(bad))
    found = outcome(paths, on_problem=on_problem, **options)
    expected = outcome(paths, on_problem=on_problem, preprocess=lambda ds: ds, **options)
    assert isinstance(found, xr.Dataset) == isinstance(expected, xr.Dataset)
    if not isinstance(expected, xr.Dataset):
        assert found == expected
        return
    xr.testing.assert_identical(found.virtual.open().load(), expected.virtual.open().load())
    assert list(found.variables) == list(expected.variables)
    mine, theirs = (sorted(p.code for p in notes_of(one).problems) for one in (found, expected))
    assert mine == theirs


@pytest.mark.parametrize("executor", [None, "threads", "processes"])
def test_every_executor_gives_the_same(tmp_path, executor) -> None:
    paths = [write(tmp_path / f"{number:02}.nc", 3 * number, 3) for number in range(17)]
    seen: list[tuple[int, int]] = []
    whole = open_virtual_mfdataset(
        paths, executor=executor, progress=lambda done, total: seen.append((done, total))
    )
    assert whole.sizes["time"] == 51
    assert whole.virtual.nrefs == 51 + 1
    assert seen[-1] == (17, 17)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    with xr.open_mfdataset(
        paths, data_vars="minimal", coords="minimal", compat="override"
    ) as expected:
        xr.testing.assert_equal(whole.virtual.open().load(), expected.load())
    with ThreadPoolExecutor(2) as pool:
        again = open_virtual_mfdataset(paths, executor=pool)
    assert again.virtual.to_group() == whole.virtual.to_group()


def test_bad_files_are_said_and_left_out_only_when_asked_to(tmp_path) -> None:
    paths = [write(tmp_path / f"{number}.nc", 3 * number, 3) for number in range(4)]
    for name in ("2.nc", "3.nc"):
        (tmp_path / name).write_text("<html>")
    with pytest.raises(FormatError, match=r"2\.nc"):
        open_virtual_mfdataset(paths)
    whole = open_virtual_mfdataset(paths, on_problem="skip")
    assert whole.sizes["time"] == 6
    assert [p.where for p in whole.virtual.problems if p.code == "format-not-data"] == paths[2:]
    with pytest.raises(CombineError, match="format-not-data"):
        open_virtual_mfdataset(paths[2:], on_problem="skip")
