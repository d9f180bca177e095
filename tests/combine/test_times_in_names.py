"""Times in the names of files, judged by how Python writes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive import check
from zarrchive.combine.times_in_names import times_in_names

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {
    "%Y%m%d%H%M%S": "seconds",
    "%Y%m%dT%H%M%S": "seconds",
    "%Y-%m-%d_%H-%M-%S": "seconds",
    "%Y%m%d%H%M": "minutes",
    "%Y-%m-%dT%H:%M": "minutes",
    "%Y_%m_%d-%H%M": "minutes",
    "%Y%m%d": "days",
    "%Y-%m-%d": "days",
    "%Y.%m.%d": "days",
    "%Y%j": "days",
    "%Y%m": "months",
    "%Y-%m": "months",
    "%Y": "years",
}
CUTS = {
    "seconds": {"microsecond": 0},
    "minutes": {"second": 0, "microsecond": 0},
    "days": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "months": {"day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "years": {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
}
FIRST, LAST = datetime.fromisoformat("1850-01-01"), datetime.fromisoformat("2150-12-31")
MOMENTS = st.datetimes(FIRST, LAST)


@given(st.sampled_from(sorted(FORMATS)), st.lists(MOMENTS, min_size=2, max_size=5), st.data())
def test_what_is_written_is_read(form: str, moments: list[datetime], data) -> None:
    cut = [moment.replace(**CUTS[FORMATS[form]]) for moment in moments]
    before = data.draw(st.sampled_from(["", "run_", "A", "tas_day_MODEL-1_ssp585_", "S2B.v2."]))
    behind = data.draw(st.sampled_from([".nc", "_v1.h5", "Z.nc", "-r12i1p1.nc"]))
    names = [f"{before}{moment.strftime(form)}{behind}" for moment in cut]
    expected = tuple(moment.isoformat() for moment in cut)
    assert times_in_names(names) == (expected if len(set(cut)) == len(cut) else None)


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["a.nc", "b.nc"], None),
        (["x9.h5", "x10.h5"], None),
        (["20210101.nc", "later.nc"], None),
        (["20211301.nc", "20211302.nc"], None),  # there is no month 13
        (["00210101.nc", "00210102.nc"], None),  # no year
        (["run_0001.nc", "run_0002.nc"], None),
        (
            ["s20210011200_e20210011210_c20230101.nc", "s20210011210_e20210011220_c20230101.nc"],
            None,
        ),
        (
            ["20210101_1200_01.nc", "20210101_1800_02.nc"],  # members, not seconds
            ("2021-01-01T12:00:00", "2021-01-01T18:00:00"),
        ),
        (
            ["20210101-20210131.nc", "20210201-20210228.nc"],
            ("2021-01-01T00:00:00", "2021-02-01T00:00:00"),
        ),
        (
            ["made20230101_2021001.nc", "made20230101_2021032.nc"],
            ("2021-01-01T00:00:00", "2021-02-01T00:00:00"),
        ),
    ],
)
def test_names_that_people_give(names, times) -> None:
    assert times_in_names(names) == times


def test_files_without_times_are_ordered_by_those_in_their_names(tmp_path: Path) -> None:
    for name in ("scene_2021-06-01", "scene_2020-12-31", "scene_2021-01-15"):
        made = xr.Dataset({"red": (("y", "x"), [[1.0, 2.0]])})
        made.to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
    plan = check(str(tmp_path)).plan
    assert plan.dim == "time"
    assert plan.labels == ("2020-12-31T00:00:00", "2021-01-15T00:00:00", "2021-06-01T00:00:00")
    assert "along a new dimension time by the times in their names: 3 steps" in plan.sentence
