"""What is proposed for files, and what is said where they do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from zarrchive.combine.infer import Choice, propose
from zarrchive.session.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zarrchive.combine.plan import Plan


def plan_of(folder: Path, **choice: object) -> Plan:
    library = Library()
    files = [library.scan(str(path)) for path in sorted(folder.iterdir())]
    return propose(files, Choice(**choice))


def names(plan: Plan) -> list[str]:
    return [url.rpartition("/")[2] for url in plan.files]


def codes(plan: Plan) -> set[str]:
    return {finding.problem.code for finding in plan.findings}


def test_months_are_joined_in_order_of_their_times(months: Path) -> None:
    plan = plan_of(months)
    assert (plan.kind, plan.how, plan.dim, plan.is_new_dim) == ("dataset", "concat", "time", False)
    assert names(plan) == ["b.nc", "c.nc", "a.nc"]
    assert plan.sentence == (
        "3 files joined along time in order of its values: 12 steps, 5 variables, all virtual: "
        "24 references, 2.4 kB decoded."
    )
    assert codes(plan) == {"combine-attributes"}
    assert plan.errors == ()


def test_or_in_order_of_their_names(months: Path) -> None:
    plan = plan_of(months, order="name")
    assert names(plan) == ["a.nc", "b.nc", "c.nc"]
    assert "combine-overlap" in codes(plan)


def test_what_is_left_out_and_loaded_is_said(months: Path) -> None:
    plan = plan_of(months, unpicked=frozenset({"/tp"}), loaded=frozenset({"/t2m", "/nowhere"}))
    assert (plan.drop, plan.load) == (("/tp",), ("/t2m",))
    assert plan.sentence.endswith(
        "12 steps, 4 of 5 variables, 1 variable with values: 0 references, 1.3 kB decoded."
    )


def test_files_of_one_variable_each_are_merged(tmp_path: Path, month: Callable[..., None]) -> None:
    for name in ("t2m", "tp", "u10"):
        month(tmp_path / f"{name}.nc", first=0, days=3, names=(name,))
    plan = plan_of(tmp_path)
    assert (plan.how, plan.dim, len(plan.parts)) == ("merge", "", 3)
    assert plan.sentence == (
        "3 files merged: 6 variables, all virtual: 9 references, 928 B decoded."
    )


def test_months_of_one_variable_each_are_joined_and_merged(
    tmp_path: Path, month: Callable[..., None]
) -> None:
    for name in ("t2m", "tp"):
        for first in (0, 3):
            month(tmp_path / f"{name}{first}.nc", first=first, days=3, names=(name,))
    plan = plan_of(tmp_path)
    assert (plan.how, plan.dim, len(plan.parts)) == ("merge", "time", 2)
    assert names(plan) == ["t2m0.nc", "t2m3.nc", "tp0.nc", "tp3.nc"]
    assert plan.errors == ()


def test_a_file_that_lacks_a_variable_is_named(months: Path, month: Callable[..., None]) -> None:
    month(months / "d.nc", first=12, days=2, names=("t2m",))
    plan = plan_of(months)
    [problem] = plan.errors
    assert (problem.code, problem.variable) == ("combine-missing-variable", "/tp")
    assert problem.where.endswith("d.nc")
    assert plan_of(months, unpicked=frozenset({"/tp"})).errors == ()


def test_levels_of_compression_are_no_difference(
    tmp_path: Path, month: Callable[..., None]
) -> None:
    month(tmp_path / "a.nc", first=0, days=2)
    month(tmp_path / "b.nc", first=2, days=2, complevel=9)
    assert codes(plan_of(tmp_path)) == {"combine-attributes"}  # the history


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"chunks": (2, 4, 6)}, "combine-chunks", ("2 x 4 x 6", "1 x 4 x 6")),
        ({"dtype": "f8"}, "combine-dtype", ("float64", "float32")),
        ({"lat_shift": 1}, "combine-coordinate", ("-44.0", "-45.0")),
    ],
)
def test_both_values_and_the_ways_out_are_named(
    months: Path,
    month: Callable[..., None],
    changes: dict[str, object],
    code: str,
    values: tuple[str, str],
) -> None:
    month(months / "odd.nc", first=12, days=2, **changes)
    plan = plan_of(months)
    found = [f for f in plan.findings if f.problem.code == code]
    assert found
    for finding in found:
        assert finding.files == (str(months / "odd.nc"),)
        assert all(value in finding.problem.what for value in values)
        actions = [remedy.action["type"] for remedy in finding.remedies]
        assert "LeaveOut" in actions
        assert ("SetLoad" in actions) == (code != "combine-coordinate")


def test_loading_a_variable_solves_its_chunks(months: Path, month: Callable[..., None]) -> None:
    month(months / "odd.nc", first=12, days=2, chunks=(2, 4, 6))
    assert plan_of(months).errors
    assert plan_of(months, loaded=frozenset({"/t2m", "/tp"})).errors == ()


def test_partial_chunks_before_the_last_file_are_refused(
    tmp_path: Path, month: Callable[..., None]
) -> None:
    month(tmp_path / "a.nc", first=0, days=3, chunks=(2, 4, 6))
    month(tmp_path / "b.nc", first=3, days=3, chunks=(2, 4, 6))
    assert {problem.code for problem in plan_of(tmp_path).errors} == {"combine-ragged"}
    month(tmp_path / "a.nc", first=-1, days=4, chunks=(2, 4, 6))
    assert plan_of(tmp_path).errors == ()


def test_times_that_count_from_different_dates_are_compared_as_times(
    tmp_path: Path, month: Callable[..., None]
) -> None:
    month(tmp_path / "a.nc", first=0, days=3, time_units="days since 2020-01-04")
    month(tmp_path / "b.nc", first=0, days=3)
    plan = plan_of(tmp_path)
    assert names(plan) == ["b.nc", "a.nc"]
    assert plan.errors == ()


def test_files_without_coordinates_get_a_new_dimension(tmp_path: Path) -> None:
    import h5py

    for name in ("x10", "x9"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["g/data"] = [[1, 2], [3, 4]]
    plan = plan_of(tmp_path)
    assert (plan.kind, plan.dim, plan.labels) == ("datatree", "file", ("x9.h5", "x10.h5"))
    assert "along a new dimension file in order of file names: 2 steps" in plan.sentence


def test_radar_volumes_are_ordered_by_the_times_in_their_attributes(tmp_path: Path) -> None:
    import h5py

    for name, time in (("a", b"120000"), ("b", b"115500")):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["dataset1/data1/data"] = [[1, 2], [3, 4]]
            file.create_group("what").attrs.update(date=b"20230420", time=time)
    plan = plan_of(tmp_path)
    assert (plan.dim, plan.labels_are_times, names(plan)) == ("time", True, ["b.h5", "a.h5"])
    assert plan.labels == ("2023-04-20T11:55:00.000000000", "2023-04-20T12:00:00.000000000")


def test_differing_values_of_what_does_not_vary_are_said(tmp_path: Path) -> None:
    import h5py

    for name, value in (("a", 1.0), ("b", 2.0)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["t"] = [value]
            file["t"].make_scale("t")
            file["x"] = [value]
            file["x"].dims[0].attach_scale(file["t"])
            file["height"] = value
    plan = plan_of(tmp_path)
    assert plan.dim == "t"
    [found] = [f.problem for f in plan.findings if f.problem.code == "combine-values"]
    assert found.variable == "/height"
    assert "2.0 in b.h5, but 1.0 in a.h5" in found.what
    assert found.severity == "warning"
