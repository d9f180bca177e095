"""What the report says of sets of files that people have: words, groups of files, ways out."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import jsonschema
import netCDF4
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarrchive
from zarrchive import CompatibilityReport, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path, month: Callable[..., None]) -> Callable[..., list[str]]:
    """Make three files that follow one another; the second can differ in anything."""

    def make(days: tuple[int, ...] = (4, 4, 4), **odd: object) -> list[str]:
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        first, paths = 0, []
        for number, count in enumerate(days):
            path = folder / f"{number}.nc"
            month(path, first=first, days=count, **(odd if number == 1 else {}))
            with netCDF4.Dataset(path, "a") as file:
                file.delncattr("history")
            first += count
            paths.append(str(path))
        return paths

    return make


def found(report: CompatibilityReport) -> dict[str, set[str]]:
    """Codes of what was found, with the variables."""
    codes: dict[str, set[str]] = {}
    for problem in report.problems:
        codes.setdefault(problem.code, set()).add(problem.variable)
    return codes


def only(report: CompatibilityReport, code: str, *variables: str) -> str:
    """Check that there is nothing else, and return the text of the report."""
    assert found(report) == {code: set(variables)}, str(report)
    return str(report)


def test_files_that_fit_have_nothing_to_say(files) -> None:
    report = check(files())
    assert report
    assert report.fits
    assert report.findings == ()
    assert str(report).startswith("3 files: they fit.\n\n3 files joined along time")
    assert (report.to_pandas() == "").all(axis=None)
    assert "they fit" in report._repr_html_()


@pytest.mark.parametrize(
    ("odd", "code", "words", "remedy"),
    [
        ({"dtype": "f8"}, "combine-dtype", ("float64", "float32"), "Repair it"),
        ({"chunks": (2, 4, 6)}, "combine-chunks", ("2 x 4 x 6", "1 x 4 x 6"), "384 B are copied"),
        ({"compression": "zstd"}, "combine-codecs", ("zstd", "zlib"), "Repair it"),
        ({"dtype": ">f4", "endian": "big"}, "combine-dtype", (">f4", "float32"), "Repair it"),
        (
            {"attributes": {"scale_factor": 0.5}},
            "combine-packing",
            ("scale_factor=0.5", "_FillValue=-9.0"),
            "Repair it",
        ),
    ],
)
def test_one_odd_file_is_named_with_both_values(files, odd, code, words, remedy) -> None:
    paths = files(**odd)
    report = check(paths)
    text = only(report, code, "/t2m", "/tp")
    assert not report.fits
    assert all(word in text for word in words), text
    assert "1.nc" in text
    for finding in report.findings:
        assert finding.files == (paths[1],)
        groups = {group.files for group in finding.groups}
        assert groups == {(paths[0], paths[2]), (paths[1],)}
        assert any(remedy in one.label for one in finding.remedies), finding.remedies
    assert (report.to_pandas() == "does not fit").sum().sum() == 2


def test_levels_of_compression_fit(files) -> None:
    assert check(files(complevel=9)).findings == ()


def test_a_last_short_file_fits_and_one_before_does_not(files) -> None:
    paths = files((4, 4, 3))
    for path in paths:
        with netCDF4.Dataset(path, "a") as file:
            made = file.createVariable("a", "i2", ("time",), chunksizes=(4,), zlib=True)
            made[:] = 1
    assert check(paths).fits
    short = files((4, 3, 4))
    for path in short:
        with netCDF4.Dataset(path, "a") as file:
            made = file.createVariable("a", "i2", ("time",), chunksizes=(4,), zlib=True)
            made[:] = 1
    text = only(check(short), "combine-ragged", "/a")
    assert "3 steps along time in 1.nc do not fill chunks of 4" in text


def test_leap_years_in_one_chunk_each(tmp_path, month) -> None:
    for number, days in enumerate((365, 366, 365)):
        month(tmp_path / f"{number}.nc", first=365 * number, days=days, chunks=(days, 4, 6))
    report = check(str(tmp_path / "*.nc"))
    assert not report.fits
    text = str(report)
    assert "the chunk shape is 366 x 4 x 6 in 1.nc, but 365 x 4 x 6" in text
    assert "one array has one chunk shape" in text


def test_months_in_one_chunk_each(tmp_path, month) -> None:
    for number, days in enumerate((31, 28, 31)):
        month(tmp_path / f"{number}.nc", first=31 * number, days=days, chunks=(days, 4, 6))
    report = check(str(tmp_path / "*.nc"))
    assert "combine-chunks" in found(report)
    finding = next(f for f in report.findings if f.problem.code == "combine-chunks")
    assert finding.nbytes == 90 * 24 * 4  # of all files: no chunk but of one day lines up
    assert [(len(group.files), group.value) for group in finding.groups] == [
        (2, "31 x 4 x 6"),
        (1, "28 x 4 x 6"),
    ]


def test_times_in_other_units_fit_as_times(files) -> None:
    paths = files()
    with netCDF4.Dataset(paths[1], "a") as file:
        file["time"].units = "days since 2020-01-02"
        file["time"][:] = file["time"][:] - 1
    assert check(paths).findings == ()


def test_another_calendar_is_named(files) -> None:
    paths = files()
    with netCDF4.Dataset(paths[1], "a") as file:
        file["time"].calendar = "360_day"
    report = check(paths, concat_dim="time")
    assert not report.fits
    text = only(report, "combine-calendar", "/time")
    assert "the calendar is 360_day in 1.nc, but standard in 0.nc" in text


def test_a_flipped_and_a_rounded_latitude_are_told_apart(files) -> None:
    paths = files()
    with netCDF4.Dataset(paths[1], "a") as file:
        file["lat"][:] = file["lat"][:][::-1]
    report = check(paths, concat_dim="time")
    assert "the direction is reversed" in only(report, "combine-coordinate", "/lat")
    paths = files(lat_shift=3e-6)
    report = check(paths, concat_dim="time")
    assert "as rounding does" in only(report, "combine-coordinate", "/lat")
    assert any("Repair" in one.label for one in report.findings[0].remedies)
    report = check(files(lat_shift=1), concat_dim="time")
    assert not any("Repair" in one.label for one in report.findings[0].remedies)


def test_a_missing_and_an_extra_variable(files) -> None:
    paths = files(names=("t2m",))
    report = check(paths)
    text = only(report, "combine-missing-variable", "/tp")
    assert "it is not in 1.nc, but in 0.nc and 1 other" in text
    assert "2 x present: 0.nc, 2.nc" in text
    report = check(files(names=("t2m", "tp", "more")))
    assert "it is not in 0.nc and 1 other, but in 1.nc" in only(
        report, "combine-missing-variable", "/more"
    )


def test_a_damaged_file_among_many_stops_nothing(files) -> None:
    paths = files()
    with open(paths[1], "r+b") as file:  # noqa: PTH123
        file.truncate(3000)
    report = check(paths)
    assert not report.fits
    (problem,) = report.unreadable
    assert problem.where == paths[1]
    assert report.plan is not None
    assert "1 cannot be read" in report.verdict
    nothing = check(paths[1])
    assert nothing.plan is None
    assert not nothing.fits
    assert json.loads(nothing.to_json())["plan"] == ""


def test_repeated_and_overlapping_times(files, tmp_path) -> None:
    paths = files()
    shutil.copy(paths[1], tmp_path / "files" / "1 again.nc")
    report = check([*paths, str(tmp_path / "files" / "1 again.nc")])
    assert set(found(report)) == {"combine-overlap", "combine-duplicates"}
    assert not report.fits  # nor do they combine by coordinates
    with pytest.raises(zarrchive.CombineError, match="more than once"):
        zarrchive.open_virtual_mfdataset(list(report.files))
    assert "Repair it, if the values are the same" in str(report)
    repaired = zarrchive.open_virtual_mfdataset(list(report.files), on_problem="repair")
    assert repaired.sizes["time"] == 12
    text = str(report)
    assert "4 of 16 values come more than once, such as 2020-01-05" in text
    assert "selecting such a label gives several values" in text


def test_a_gap_is_measured(files, tmp_path) -> None:
    paths = files((4, 4, 4, 4))
    report = check([paths[0], paths[1], paths[3]])
    text = only(report, "combine-gap", "/time")
    assert "are 5 days, elsewhere 1 day" in text
    assert "look whether a file is missing" in text


def test_a_file_that_runs_backwards(files) -> None:
    paths = files()
    with netCDF4.Dataset(paths[1], "a") as file:
        file["time"][:] = file["time"][:][::-1]
    assert "combine-direction" in found(check(paths))


def test_the_document_follows_its_schema_and_names_everything(files) -> None:
    report = check(files(dtype="f8"))
    document = json.loads(report.to_json())
    jsonschema.validate(document, CompatibilityReport.json_schema())
    assert document["fits"] is False
    one = document["findings"][0]
    assert one["check"] == "type"
    assert one["consequence"]
    assert [len(group["files"]) for group in one["groups"]] == [2, 1]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "fits": "no"}, CompatibilityReport.json_schema())


def test_many_values_are_not_all_named(tmp_path, month) -> None:
    for number in range(15):
        month(tmp_path / f"{number:02}.nc", first=number, days=1, lat_shift=number)
    report = check(str(tmp_path), concat_dim="time")
    (finding,) = (one for one in report.findings if one.problem.code == "combine-coordinate")
    assert len(finding.groups) == len(report.groups) == 15
    assert str(report).count("  1 x ") == 10
    assert "and 5 more values" in str(report)
    assert "and 5 more values" in report._repr_html_()
    assert "Split into" not in str(report)  # so many groups are something else


def test_names_from_files_are_never_markup(files, tmp_path) -> None:
    paths = files(names=("t2m", "b<img src=x onerror=alert(1)>"))
    report = check(paths)
    assert "<img" in str(report)
    html = report._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_what_is_about_many_variables_is_said_once(files) -> None:
    names = tuple(f"v{number}" for number in range(40))
    paths = files(names=names, chunks=(2, 4, 6))
    for path in paths[::2]:
        shutil.copy(paths[1], path)
        with netCDF4.Dataset(path, "a") as file:
            file["time"][:] = file["time"][:] + (8 if path == paths[2] else -4)
    with netCDF4.Dataset(paths[1], "a") as file:
        for name in names:
            file[name].units = "m"
    report = check(paths)
    assert str(report).count("the unit is m") == 1
    assert "the like: /v1, /v2" in str(report)


def test_datasets_that_are_open_already(files) -> None:
    paths = files(chunks=(2, 4, 6))
    opened = {path: zarrchive.open_virtual_dataset(path) for path in paths}
    assert set(found(check(opened))) == {"combine-chunks"}
    assert check({path: opened[path] for path in paths[::2]}).fits


def test_hierarchies_are_compared_by_path(demo_folder) -> None:
    report = check(str(demo_folder / "radar" / "*.nc"))
    assert report.fits
    assert found(report) == {"combine-values": {"/time_coverage_start"}}


ASPECTS = {
    "combine-dtype": {"dtype": "f8"},
    "combine-chunks": {"chunks": (2, 4, 6)},
    "combine-codecs": {"compression": "zstd"},
    "combine-packing": {"attributes": {"add_offset": 1.0}},
    "combine-missing-variable": {"names": ("t2m",)},
}


@settings(max_examples=12)
@given(data=st.data())
def test_one_change_in_one_file_is_found_there_and_nothing_else(
    tmp_path_factory, month, data
) -> None:
    """Files from one template fit; a change of one aspect is found, and names its file."""
    folder = tmp_path_factory.mktemp("law")
    count = data.draw(st.integers(3, 5))
    code = data.draw(st.sampled_from([None, *ASPECTS]))
    odd = data.draw(st.integers(0, count - 1))
    for number in range(count):
        changes = ASPECTS[code] if code is not None and number == odd else {}
        path = folder / f"{number}.nc"
        month(path, first=2 * number, days=2, **changes)
        with netCDF4.Dataset(path, "a") as file:
            file.delncattr("history")
    report = check(str(folder / "*.nc"))
    assert set(found(report)) == ({code} if code else set())
    for finding in report.findings:
        assert finding.files == (str(folder / f"{odd}.nc"),)
