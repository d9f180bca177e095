"""What is said of sets of real files: those that belong together fit, others say why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zarrchive import check

DATA = Path(
    os.environ.get("ZARRCHIVE_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data")
)
RADAR = DATA / "openradar+open-radar-data"
needs_files = pytest.mark.skipif(not RADAR.is_dir(), reason="no sample files here")


@needs_files
@pytest.mark.parametrize("series", ["T_PAZA63", "T_PAZB63"])
def test_volumes_of_a_radar_fit_by_their_times(series: str) -> None:
    report = check(sorted(map(str, RADAR.glob(f"{series}*.h5"))))
    assert report.fits
    assert report.plan is not None
    assert (
        "along a new dimension time by the times in their attributes: 2 steps"
        in report.plan.sentence
    )
    assert [problem.code for problem in report.problems] == ["combine-attributes"]


@needs_files
def test_files_with_different_variables_of_one_grid_fit() -> None:
    report = check(sorted(map(str, RADAR.glob("Z__C_RJTD_*.nc"))))
    assert report.fits
    assert report.problems == ()
    assert report.plan is not None
    assert "3 files merged" in report.plan.sentence


@needs_files
def test_volumes_of_different_radars_do_not_fit() -> None:
    paths = [next(RADAR.glob("T_PAZA63*.h5")), next(RADAR.glob("T_PAGZ35*.hdf"))]
    report = check(list(map(str, paths)))
    assert not report.fits
    codes = {problem.code for problem in report.errors}
    assert codes
    assert codes <= {"combine-shape", "combine-missing-variable", "combine-dtype", "combine-dims"}
    for problem in report.errors:
        assert problem.variable
        assert problem.where in set(map(str, paths))
