"""Hierarchical files that do not fit together: repaired or split with a click, and by script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zarrchive.session import Session


def write(path: Path, start: int, *, chunk: int = 1, scale: float | None = None) -> None:
    """Write a file with times in the root, and a group with two compressed variables."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        time = file.createVariable("time", "i4", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = start + np.arange(4)
        group = file.createGroup("sweep")
        for name in ("dbz", "vel"):
            made = group.createVariable(name, "f4", ("time",), chunksizes=(chunk,), zlib=True)
            if scale is not None and name == "vel":
                made.scale_factor = scale
            made[:] = start * 10 + np.arange(4)
        file.createGroup("site").createVariable("height", "f4", ())[...] = 12


def opened(folder: Path, names: list[str], group: str | None = None) -> xr.Dataset:
    paths = [str(folder / f"{name}.nc") for name in names]
    with xr.open_mfdataset(paths, group=group, combine="nested", concat_dim="time") as dataset:
        loaded: xr.Dataset = dataset.load()
    return loaded


def chosen(session: Session, settle: Callable[[Session], None], label: str) -> dict[str, Any]:
    """Tick all files, take the way out that is called `label`, and combine."""
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    settle(session)
    problems = session.view()["combine"]["problems"]
    remedies = {r["label"]: r["action"] for one in problems for r in one["remedies"]}
    (action,) = (one for words, one in remedies.items() if words.startswith(label))
    session.act(action)
    settle(session)
    before: dict[str, Any] = session.view()["combine"]
    assert "error" not in {one["severity"] for one in before["problems"]}
    session.act({"type": "Combine"})
    settle(session)
    return before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


def test_groups_are_repaired(
    open_session: Callable[..., Session],
    settle: Callable[[Session], None],
    folder: Path,
    assert_same: Callable[..., None],
) -> None:
    for number, chunk in enumerate((1, 2, 1)):
        write(folder / f"{number}.nc", 4 * number, chunk=chunk)
    session = open_session(folder)
    chosen(session, settle, "Repair it")
    view = session.view()["combine"]
    repaired = [one for one in view["problems"] if one["code"] == "combine-repaired"]
    assert {one["variable"] for one in repaired} == {"/sweep/dbz", "/sweep/vel"}
    assert 'on_problem="repair"' in session.script()
    assert_same(session)
    found = session.dataset().virtual.open()["sweep"].to_dataset(inherit=False).load()
    xr.testing.assert_equal(found, opened(folder, ["0", "1", "2"], "sweep"))


def test_files_are_split_into_groups_with_their_groups(
    open_session: Callable[..., Session],
    settle: Callable[[Session], None],
    folder: Path,
    assert_same: Callable[..., None],
) -> None:
    for number in range(4):
        write(folder / f"{number}.nc", 4 * number, scale=0.5 if number > 1 else None)
    session = open_session(folder)
    before = chosen(session, settle, "Split into 2 groups of files that agree")
    assert before["how"] == before["proposed"] == "split"
    assert "4 files in 2 groups that agree (2, 2), each joined along time" in before["sentence"]
    tree = session.dataset()
    assert [node.path for node in tree.subtree] == [
        "/",
        *("/part_1", "/part_2"),
        *("/part_1/sweep", "/part_1/site", "/part_2/sweep", "/part_2/site"),
    ]
    assert_same(session)
    for part, names in (("part_1", ["0", "1"]), ("part_2", ["2", "3"])):
        lazy = tree.virtual.open()[part]
        for group in (None, "sweep"):
            found = lazy[group or "."].to_dataset(inherit=False).load()
            xr.testing.assert_equal(found, opened(folder, names, group))


def test_a_group_that_one_file_lacks_is_said(
    open_session: Callable[..., Session], settle: Callable[[Session], None], folder: Path
) -> None:
    write(folder / "0.nc", 0)
    write(folder / "1.nc", 4)
    with netCDF4.Dataset(folder / "0.nc", "a") as file:
        file.createGroup("empty")
    session = open_session(folder)
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    settle(session)
    session.act({"type": "Combine"})
    settle(session)
    view = session.view()["combine"]
    assert view["status"] == "failed"
    (problem,) = (one for one in view["problems"] if one["code"] == "combine-missing-group")
    assert (problem["where"], problem["variable"]) == (str(folder / "1.nc"), "/empty")
