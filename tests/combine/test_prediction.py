"""What a plan says of the size of its result is what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr

from zarrchive import check, open_virtual_mfdataset, open_virtual_mfdatatree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def nbytes_of(*datasets: xr.Dataset) -> int:
    return sum(
        variable.size * (variable.encoding.get("dtype", variable.dtype).itemsize)
        for dataset in datasets
        for variable in dataset.variables.values()
    )


@pytest.fixture
def months(tmp_path: Path, month: Callable[..., None]) -> list[str]:
    for number, days in enumerate((4, 3, 5)):
        month(tmp_path / f"{number}.nc", first=5 * number, days=days)
    return sorted(map(str, tmp_path.glob("*.nc")))


def test_of_a_series(months: list[str]) -> None:
    plan = check(months).plan
    whole = open_virtual_mfdataset(months)
    assert plan.references == whole.virtual.nrefs == 24
    assert plan.nbytes == nbytes_of(whole)
    assert f"{plan.references} references, {plan.nbytes / 1000:.1f} kB decoded" in plan.sentence
    table = plan.to_pandas()
    assert list(table.index) == ["/time", "/lat", "/lon", "/t2m", "/tp"]
    assert table.loc["/t2m", "references"] == 12
    assert table.loc["/time", "values"] == "loaded"
    assert table["bytes"].sum() == plan.nbytes


def test_of_what_is_left_out(months: list[str]) -> None:
    plan = check(months, drop_variables=["/tp"]).plan
    whole = open_virtual_mfdataset(months, drop_variables=["tp"])
    assert plan.references == whole.virtual.nrefs == 12
    assert plan.nbytes == nbytes_of(whole)
    assert "/tp" not in plan.to_pandas().index


def test_of_a_hierarchy(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        paths.append(str(tmp_path / f"{number}.nc"))
        times = xr.Dataset(coords={"time": 4 * number + np.arange(4)})
        group = xr.Dataset({"v": ("time", np.arange(4.0)), "fixed": ("x", np.arange(3000.0))})
        tree = xr.DataTree.from_dict({"/": times, "/g": group})
        tree.to_netcdf(paths[-1], encoding={"/g": {"v": {"zlib": True}, "fixed": {"zlib": True}}})
    plan = check(paths).plan
    tree = open_virtual_mfdatatree(paths)
    assert plan.references == tree.virtual.nrefs == 4
    assert plan.nbytes == 12 * 8 + 12 * 8 + 3000 * 8
