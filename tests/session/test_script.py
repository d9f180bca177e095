"""The printed script runs as it is and gives the same dataset and the same export."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import xarray as xr

from zarrchive.manifests._zarr import HAS_RECTILINEAR
from zarrchive.session.script import script_of
from zarrchive.session.state import SessionState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zarrchive.session import Session


def run(script: str) -> dict[str, Any]:
    """Run a script with names of its own; in this process, which has imported xarray already."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(script, "script.py", "exec"), names)  # noqa: S102 - this is what is tested
    return names


def run_alone(script: str) -> None:
    """Run a script in a Python of its own, as a person would."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stderr}"


def references(path: Path) -> object:
    return json.loads(path.read_text())


def test_what_does_not_fit_is_repaired_with_a_click(
    open_session: Callable[..., Session],
    settle: Callable[[Session], None],
    month: Callable[..., None],
    tmp_path: Path,
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number, chunks in enumerate([(1, 4, 6), (2, 4, 6), (1, 4, 6)]):
        month(folder / f"{number}.nc", first=4 * number, days=4, chunks=chunks)
    session = open_session(folder)
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    settle(session)
    view = session.view()["combine"]
    assert view["can_repair"]
    misfits = [one for one in view["problems"] if one["code"] == "combine-chunks"]
    assert {one["severity"] for one in misfits} == {"error"}
    remedy = misfits[0]["remedies"][0]
    assert remedy["label"] == "Repair it, if no number changes; 384 B are copied"
    session.act(remedy["action"])
    settle(session)
    view = session.view()["combine"]
    assert {one["severity"] for one in view["problems"]} == {"warning"}
    session.act({"type": "Combine"})
    settle(session)
    view = session.view()["combine"]
    repaired = [one for one in view["problems"] if one["code"] == "combine-repaired"]
    assert {one["variable"] for one in repaired} == {"/t2m", "/tp"}
    assert not [one for one in view["problems"] if one["code"] == "combine-chunks"]
    assert {one["where"] for one in repaired} == {str(folder / "1.nc")}
    assert 'on_problem="repair"' in session.script()
    assert_same(session)
    opened = session.dataset().virtual.open().load()
    with xr.open_mfdataset(sorted(map(str, folder.iterdir())), combine="by_coords") as expected:
        xr.testing.assert_equal(opened, expected.load().transpose(*opened.dims))


@pytest.mark.parametrize("loaded", [(), ("/tp",)])
def test_what_does_not_fit_is_split_with_a_click(
    open_session: Callable[..., Session],
    settle: Callable[[Session], None],
    month: Callable[..., None],
    tmp_path: Path,
    loaded: tuple[str, ...],
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(4):
        odd = {"attributes": {"scale_factor": 0.5}} if number > 1 else {}
        month(folder / f"{number}.nc", first=4 * number, days=4, **odd)
    session = open_session(folder)
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    if loaded:
        session.act({"type": "SetLoad", "paths": list(loaded), "on": True})
    settle(session)
    problems = session.view()["combine"]["problems"]
    remedies = {r["label"]: r["action"] for one in problems for r in one["remedies"]}
    session.act(remedies["Split into 2 groups of files that agree"])
    settle(session)
    view = session.view()["combine"]
    assert {one["severity"] for one in view["problems"]} == {"warning"}  # of their histories
    assert view["how"] == view["proposed"] == "split"
    assert "4 files in 2 groups that agree (2, 2), each joined along time" in view["sentence"]
    assert "into a group of a tree: 16 steps" in view["sentence"]
    session.act({"type": "Combine"})
    settle(session)
    assert session.view()["combine"]["result"]["kind"] == "datatree"
    assert 'groups[f"/part_{number}"] = ds' in session.script()
    assert_same(session)
    opened = session.dataset().virtual.open()
    for name, numbers in (("part_1", (0, 1)), ("part_2", (2, 3))):
        paths = [str(folder / f"{number}.nc") for number in numbers]
        with xr.open_mfdataset(paths, combine="by_coords") as expected:
            found = opened[name].to_dataset(inherit=False).load()
            xr.testing.assert_equal(found, expected.load().transpose(*found.dims))


def test_tiles_are_joined_along_both_dimensions(
    combined: Callable[..., Session],
    tmp_path: Path,
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)):
        tile = {"y": 2 * row + np.arange(2), "x": 3 * column + np.arange(3)}
        values = row * 10 + column + np.arange(6.0).reshape(2, 3)
        made = xr.Dataset({"h": (("y", "x"), values)}, tile)
        made.to_netcdf(folder / f"{row}{column}.nc", engine="netcdf4")
    session = combined(folder)
    assert session.state.combine.plan is not None
    assert session.state.combine.plan.grid == (("y", 3), ("x", 2))
    assert not session.view()["combine"]["can_split"]
    assert 'concat_dim=["y", "x"]' in session.script()
    assert_same(session)
    with xr.open_mfdataset(sorted(map(str, folder.iterdir())), combine="by_coords") as expected:
        xr.testing.assert_equal(session.dataset().virtual.open().load(), expected.load())


def test_joined_months(
    combined: Callable[..., Session],
    months: Path,
    assert_same: Callable[..., None],
) -> None:
    session = combined(months)
    assert_same(session)
    expected = xr.open_mfdataset(sorted(map(str, months.iterdir())), combine="by_coords")
    opened = session.dataset().virtual.open()
    xr.testing.assert_equal(opened.load(), expected.load().transpose(*opened.dims))
    expected.close()


@pytest.mark.parametrize(
    "action",
    [
        {"type": "PickVariables", "paths": ["/tp"], "on": False},
        {"type": "SetLoad", "paths": ["/t2m"], "on": True},
        {"type": "ChooseCombine", "dim": "run", "how": "concat", "order": "name"},
    ],
    ids=lambda action: action["type"],
)
def test_every_choice_reaches_the_script(
    combined: Callable[..., Session],
    month: Callable[..., None],
    tmp_path: Path,
    action: dict[str, object],
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / 'it\'s "odd" #1 {x} %s'
    folder.mkdir()
    for name, first in (("b", 0), ("c", 3)):
        shift = 0 if action["type"] != "ChooseCombine" else first
        # netCDF's own library cannot make such names.
        month(tmp_path / "plain.nc", first=first - shift, days=3)
        (tmp_path / "plain.nc").rename(folder / f"{name} \\n.nc")
    assert_same(combined(folder, "", action))


def test_merged_and_joined(
    combined: Callable[..., Session],
    month: Callable[..., None],
    tmp_path: Path,
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in ("t2m", "tp"):
        for first in (0, 3):
            month(folder / f"{name}{first}.nc", first=first, days=3, names=(name,))
    load = {"type": "SetLoad", "paths": ["/tp"], "on": True}
    session = combined(folder, "", load)
    assert_same(session)
    assert set(session.dataset().data_vars) == {"t2m", "tp"}
    assert_same(combined(folder, "*0.nc"))


def test_trees(
    combined: Callable[..., Session],
    demo_folder: Path,
    assert_same: Callable[..., None],
) -> None:
    session = combined(demo_folder / "radar")
    assert_same(session)
    assert session.dataset()["sweep_0"].sizes["time"] == 4


def test_trees_along_a_new_dimension(
    combined: Callable[..., Session],
    tmp_path: Path,
    assert_same: Callable[..., None],
) -> None:
    import h5py

    folder = tmp_path / "odim"
    folder.mkdir()
    for name, time in (("a", b"120000"), ("b", b"115500")):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["dataset1/data1/data"] = [[1, 2], [3, 4]]
            file.create_group("what").attrs.update(date=b"20230420", time=time)
    session = combined(folder)
    assert_same(session)
    assert session.dataset()["dataset1/data1/data"].sizes["time"] == 2


def test_one_file(
    combined: Callable[..., Session],
    months: Path,
    assert_same: Callable[..., None],
) -> None:
    assert_same(combined(months, "a.nc"))


def test_the_whole_demo_year_and_its_export(
    combined: Callable[..., Session],
    settle: Callable[[Session], None],
    demo_folder: Path,
    tmp_path: Path,
) -> None:
    session = combined(demo_folder / "reanalysis")
    path = tmp_path / "year.json"
    session.act({"type": "ChooseExport", "format": "kerchunk-json", "path": str(path)})
    session.act({"type": "Export"})
    settle(session)
    report = session.state.export.report
    assert report is not None, session.state.export
    first = references(path)
    path.unlink()
    checked = (
        report.how_to_open + "\nassert ds.sizes['time'] == 365, ds.sizes\nds['t2m'][200].load()"
    )
    run_alone(session.script() + checked)
    assert references(path) == first


@pytest.mark.skipif(
    not HAS_RECTILINEAR, reason="needs zarr 3.2, which the newer Python of the same run has"
)
def test_how_to_open_asks_zarr_for_chunks_of_unlike_length(
    combined: Callable[..., Session],
    settle: Callable[[Session], None],
    tmp_path: Path,
    assert_same: Callable[..., None],
) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    for number, (start, days) in enumerate(((0, 31), (31, 28), (59, 31))):
        made = xr.Dataset(
            {"h": (("time", "x"), np.random.default_rng(number).random((days, 2000)))},
            {"time": start + np.arange(days)},
        )
        encoding = {"h": {"zlib": True, "chunksizes": (days, 500)}}
        made.to_netcdf(folder / f"{number}.nc", engine="netcdf4", encoding=encoding)
    session = combined(folder, "", {"type": "ChooseCombine", "repair": True})
    session.act({"type": "ChooseExport", "path": str(tmp_path / "all.json"), "zarr_format": 3})
    session.act({"type": "Export"})
    settle(session)
    report = session.state.export.report
    assert report is not None
    with xr.open_mfdataset(sorted(map(str, folder.iterdir())), combine="by_coords") as expected:
        expected.load().to_netcdf(tmp_path / "expected.nc", engine="netcdf4")
    compare = (
        f"xr.testing.assert_equal(ds.load(), xr.load_dataset({str(tmp_path / 'expected.nc')!r}))"
    )
    run_alone(f"{report.how_to_open}\n{compare}")
    assert_same(session, zarr_format=3)


FORMATS = [("kerchunk-json", 2), ("kerchunk-json", 3), ("kerchunk-parquet", 2)]
if sys.version_info >= (3, 12):  # icechunk 2 needs it; the newer Python of the same run has it
    FORMATS.append(("icechunk", 2))


@pytest.mark.parametrize(("format_", "zarr_format"), FORMATS)
@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")
def test_how_to_open_finds_groups_within_groups(
    combined: Callable[..., Session],
    settle: Callable[..., None],
    tmp_path: Path,
    format_: str,
    zarr_format: int,
) -> None:
    (tmp_path / "files").mkdir()
    with h5py.File(tmp_path / "files" / "sweep.h5", "w") as file:
        file["dataset1/data1/data"] = np.arange(6.0).reshape(2, 3)
    session = combined(tmp_path / "files")
    path = str(tmp_path / "out")
    chosen = {"format": format_, "path": path, "zarr_format": zarr_format}
    session.act({"type": "ChooseExport", **chosen})
    session.act({"type": "Export"})
    settle(session)
    report = session.state.export.report
    assert report is not None, session.state.export
    for _ in range(2):
        tree = run(report.how_to_open)["tree"]
        values = tree["/dataset1/data1/data"].values
        np.testing.assert_array_equal(values, np.arange(6.0).reshape(2, 3))
        run(session.script())  # writes it once more


def test_before_there_is_a_plan_the_script_opens_the_explorer() -> None:
    compile(script_of(SessionState()), "script", "exec")


def test_options_have_a_place_but_no_values(months: Path) -> None:
    from zarrchive.session import Session

    session = Session(str(months), storage_options={"token": "sesame"})
    assert "storage_options" in session.script()
    assert "sesame" not in session.script()
    session.close()
