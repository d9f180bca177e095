"""Sets of files that people have: what is said of them, the way out, and the values afterwards.

The judge of values is xarray with netCDF4, which decodes each file by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

import zarrchive
from zarrchive import CombineError, check, open_virtual_mfdataset, open_virtual_split
from zarrchive.manifests._zarr import HAS_RECTILINEAR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def edited(**attributes: Any) -> Callable[[netCDF4.Dataset], None]:
    """Change attributes of the time of a file."""

    def edit(file: netCDF4.Dataset) -> None:
        for name, value in attributes.items():
            setattr(file["time"], name, value)

    return edit


def flipped(file: netCDF4.Dataset) -> None:
    file["lat"][:] = file["lat"][:][::-1]
    for name in ("t2m", "tp"):
        file[name][:] = file[name][:][:, ::-1]


def counted_from_another_day(file: netCDF4.Dataset) -> None:
    file["time"].units = "hours since 2020-01-03 12:00"
    file["time"][:] = (file["time"][:] - 2.5) * 24


@dataclass(frozen=True)
class Situation:
    """Files that follow one another in time; those of `odd` differ from the others."""

    says: str
    """Codes of the report, in the order of the alphabet."""
    words: tuple[str, ...] = ()
    """What the report says, among other things."""
    way_out: str = "fits"
    """``fits``, ``repair``, ``skip``, ``split``: what makes a dataset of them."""
    days: tuple[int, ...] = (4, 4, 4)
    changes: dict[str, Any] = field(default_factory=dict)
    """Of all files."""
    odd: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Of single files, by number."""
    edits: dict[int, Callable[[netCDF4.Dataset], None]] = field(default_factory=dict)
    firsts: tuple[int, ...] = ()
    """First days, where files do not simply follow one another."""
    damaged: int | None = None
    whole_chunks: bool = False
    """Whether each file is a single chunk."""


SCALES = {"scale_factor": 0.5, "add_offset": 16.0}
PACKED = {"dtype": "i2", "attributes": SCALES}
SITUATIONS = {
    "leap years, a step a chunk": Situation("", days=(365, 366, 365)),
    "leap years, a year a chunk": Situation(
        "combine-chunks",
        ("the chunk shape is 366 x 4 x 6 in 1.nc, but 365 x 4 x 6", "Repair it", "Split into 2"),
        "repair",
        days=(365, 366, 365),
        whole_chunks=True,
    ),
    "a last short file": Situation("", days=(4, 4, 3), changes={"chunks": (4, 4, 6)}),
    "a short file in the middle": Situation(
        "combine-ragged",
        ("3 steps along time in 1.nc do not fill chunks of 4", "Repair it"),
        "repair",
        days=(4, 3, 4),
        changes={"chunks": (4, 4, 6)},
    ),
    "months in one chunk each": Situation(
        "combine-chunks",
        ("the chunk shape is 28 x 4 x 6 in 1.nc, but 31 x 4 x 6", "Repair it"),
        "repair",
        days=(31, 28, 31),
        whole_chunks=True,
    ),
    "gzip 4 with 9": Situation("", odd={1: {"complevel": 9}}),
    "blosc with gzip": Situation(
        "combine-codecs",
        ("blosc", "in 1.nc, but", "zlib", "Repair it", "Split into 2"),
        "repair",
        changes={"chunks": (4, 4, 6), "dtype": "i4"},  # blosc refuses what it cannot compress
        odd={1: {"compression": "blosc_zstd"}},
    ),
    "float32 among float64": Situation(
        "combine-dtype",
        ("the type is float32 in 1.nc, but float64 in 0.nc and 1 other", "Repair it"),
        "repair",
        changes={"dtype": "f8"},
        odd={1: {"dtype": "f4"}},
    ),
    "float64 among float32": Situation(
        "combine-dtype",
        ("the type is float64 in 1.nc, but float32 in 0.nc and 1 other", "Repair", "Split into 2"),
        "repair",
        odd={1: {"dtype": "f8"}},
    ),
    "a scale that changed, exactly": Situation(
        "combine-packing",
        ("scale_factor=1.0", "in 2.nc, but scale_factor=0.5", "Repair it"),
        "repair",
        changes=PACKED,
        odd={2: {"attributes": {"scale_factor": 1.0, "add_offset": 16.0}}},
    ),
    "a scale that changed": Situation(
        "combine-packing",
        ("scale_factor=0.3", "in 2.nc, but scale_factor=0.5", "Repair", "Split into 2"),
        "repair",
        changes=PACKED,
        odd={2: {"attributes": {"scale_factor": 0.3, "add_offset": 16.0}}},
    ),
    "times that count from another day": Situation("", edits={1: counted_from_another_day}),
    "another calendar": Situation(
        "combine-calendar",
        ("the calendar is 360_day in 1.nc, but standard in 0.nc and 1 other", "Split into 2"),
        "split",
        edits={1: edited(calendar="360_day")},
    ),
    "a flipped latitude": Situation(
        "combine-coordinate",
        ("45.0 ... -45.0 (4 values) in 1.nc, but -45.0 ... 45.0", "the direction is reversed"),
        "repair",
        edits={1: flipped},
    ),
    "a jittered latitude": Situation(
        "combine-coordinate",
        ("they differ by at most", "as rounding does"),
        "repair",
        odd={1: {"lat_shift": 3e-6}},
    ),
    "a missing variable": Situation(
        "combine-missing-variable",
        ("it is not in 1.nc, but in 0.nc and 1 other", "Repair it", "Split into 2"),
        "repair",
        odd={1: {"names": ("t2m",)}},
    ),
    "an extra variable": Situation(
        "combine-missing-variable",
        ("it is not in 0.nc and 1 other, but in 1.nc", "Repair it", "Split into 2"),
        "repair",
        odd={1: {"names": ("t2m", "tp", "more")}},
    ),
    "a damaged file among many": Situation(
        "combine-gap hdf5-unreadable", ("cannot be read", "1.nc"), "skip", damaged=1
    ),
    "a file that is there twice": Situation(
        "combine-duplicates combine-overlap",
        ("4 of 16 values come more than once", "Repair it, if the values are the same"),
        "repair",
        days=(4, 4, 4, 4),
        firsts=(0, 4, 4, 8),
    ),
    "times that overlap": Situation(
        "combine-duplicates combine-overlap",
        ("2 of 12 values come more than once", "Leave out"),
        "error",
        firsts=(0, 2, 6),
    ),
}


@pytest.fixture
def files(tmp_path: Path, month: Callable[..., None]) -> Callable[[Situation], list[str]]:
    def make(situation: Situation) -> list[str]:
        start, paths = 0, []
        for number, days in enumerate(situation.days):
            path = tmp_path / f"{number}.nc"
            changes = {**situation.changes, **situation.odd.get(number, {})}
            if situation.whole_chunks:
                changes["chunks"] = (days, 4, 6)
            first = situation.firsts[number] if situation.firsts else start
            month(path, first=first, days=days, **changes)
            with netCDF4.Dataset(path, "a") as file:
                file.delncattr("history")
                if number in situation.edits:
                    situation.edits[number](file)
            start += days
            paths.append(str(path))
        if situation.damaged is not None:
            with open(paths[situation.damaged], "r+b") as file:  # noqa: PTH123
                file.truncate(3000)
        return paths

    return make


def decoded(path: str) -> xr.Dataset:
    with xr.open_dataset(path, engine="netcdf4") as opened:
        return opened.load().sortby("lat")


def check_values(whole: xr.Dataset, paths: list[str]) -> None:
    """Compare each file with the same times of the whole; what it lacks is missing there."""
    lazy = whole.virtual.open().load().sortby("lat")
    times = set()
    for path in paths:
        truth = decoded(path)
        part = lazy.sel(time=truth.time)
        for name in lazy.data_vars:
            if name in truth:
                np.testing.assert_array_equal(part[name], truth[name].transpose(*part[name].dims))
            else:
                assert part[name].isnull().all()
        np.testing.assert_allclose(part.lat, truth.lat, atol=1e-5)
        times.update(truth.time.values.tolist())
    assert lazy.sizes["time"] == len(times)


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_said_and_what_comes_out(files, name: str) -> None:
    situation = SITUATIONS[name]
    paths = files(situation)
    report = check(paths, concat_dim="time")
    assert " ".join(sorted({problem.code for problem in report.problems})) == situation.says
    for words in situation.words:
        assert words in str(report)
    good = [path for number, path in enumerate(paths) if number != situation.damaged]
    if situation.way_out == "fits":
        assert report.fits
        whole = open_virtual_mfdataset(paths)
        assert not whole.virtual.problems
        return check_values(whole, good)
    assert not report.fits
    with pytest.raises(zarrchive.ZarrchiveError):
        open_virtual_mfdataset(paths)
    if any(words.startswith("Split") for words in situation.words):
        tree = open_virtual_split(paths)
        assert len(report.groups) == 2
        for urls, node in zip(report.groups, tree.children.values(), strict=True):
            check_values(node.to_dataset(), list(urls))
    if situation.way_out in {"repair", "skip"}:
        whole = open_virtual_mfdataset(paths, on_problem=situation.way_out)
        assert whole.virtual.problems
        return check_values(whole, good)
    with pytest.raises(CombineError):
        open_virtual_mfdataset(paths, on_problem="repair")
    return None


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 0),
        ({"zlib": True}, 2**20),
        pytest.param(
            {"zlib": True},
            0,
            marks=pytest.mark.skipif(
                not HAS_RECTILINEAR,
                reason="needs zarr 3.2, which the newer Python of the same run has",
            ),
        ),
    ],
    ids=["uncompressed", "copied", "as they lie"],
)
def test_tiles_with_dangling_edges(tmp_path, options, limit) -> None:
    """Six by seven places in chunks of four by four, two tiles beside two others."""
    rng = np.random.default_rng(0)
    paths = []
    for row in range(2):
        for column in range(2):
            path = tmp_path / f"{row}{column}.nc"
            with netCDF4.Dataset(path, "w") as file:
                for dim, start, size in (("y", 6 * row, 6), ("x", 7 * column, 7)):
                    file.createDimension(dim, size)
                    file.createVariable(dim, "i4", (dim,))[:] = start + np.arange(size)
                made = file.createVariable("h", "f4", ("y", "x"), chunksizes=(4, 4), **options)
                made[:] = rng.random((6, 7))
            paths.append(str(path))
    report = check(paths)
    assert "4 files joined along y and x in order of their values: 2 x 2 files" in str(report)
    assert report.fits == (not options)
    if options:
        (problem,) = report.problems
        assert problem.code == "combine-ragged"
        assert "6 steps along y in 00.nc and 1 other do not fill chunks of 4" in problem.what
        assert "Repair it, if no number changes" in str(report)
        with pytest.raises(CombineError, match="not a whole number of chunks"):
            open_virtual_mfdataset(paths)
    whole = open_virtual_mfdataset(paths, on_problem="repair", repair_limit=limit)
    assert whole.h.data.manifest.nrefs == (0 if limit else 16 if options else 168)
    with xr.open_mfdataset(paths, combine="by_coords") as expected:
        xr.testing.assert_equal(whole.virtual.open().load(), expected.load())
