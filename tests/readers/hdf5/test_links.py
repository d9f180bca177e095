"""Links of every kind: followed, or a Problem; never a loop, never another file's values."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from h5py import h5g

from zarrchive.errors import FormatError
from zarrchive.manifests.values import values_of


def test_soft_and_hard_links_are_followed(sample) -> None:
    with sample.writing() as file:
        file["g/x"] = [1, 2, 3]
        file["soft"] = h5py.SoftLink("/g/x")
        file["relative"] = h5py.SoftLink("g/x")
        file["hard"] = file["g/x"]
        file["chain"] = h5py.SoftLink("soft")
        file["group"] = h5py.SoftLink("g")
    group = sample.checked()
    assert sorted(group.arrays) == ["chain", "hard", "relative", "soft"]
    assert group.arrays["hard"].manifest == group.groups["g"].arrays["x"].manifest
    assert list(group.groups["group"].arrays) == ["x"]
    assert group.all_problems() == ()


@pytest.mark.parametrize("target", ["/missing", "loop", "/g/missing/deeper"])
def test_links_that_lead_nowhere(sample, target) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        file.create_group("g")
        file["loop"] = h5py.SoftLink(target)
    group = sample.checked()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["x"]
    assert (problem.code, problem.variable) == ("hdf5-link-dangling", "/loop")


def test_group_inside_itself(sample) -> None:
    with sample.writing() as file:
        file["a/b/x"] = [1]
        file["a/b/up"] = file["a"]
        file["a/b/root"] = h5py.SoftLink("/")
    group = sample.checked()
    assert {p.variable: p.code for p in group.all_problems()} == {
        "/a/b/up": "hdf5-link-cycle",
        "/a/b/root": "hdf5-link-cycle",
    }


def test_exponential_maze_of_links_ends(sample) -> None:
    with sample.writing() as file:
        here = file.create_group("g0")
        for number in range(1, 40):
            there = file.create_group(f"g{number}")
            here["left"] = there
            here["right"] = there
            here = there
    group = sample.read()
    assert sum(1 for _ in group.walk()) < 3000
    assert "hdf5-link-repeated" in {p.code for p in group.all_problems()}


def test_hundreds_of_nested_groups(sample) -> None:
    with sample.writing() as file:
        node = file
        for _ in range(1500):
            node = node.create_group("n")
        node["x"] = [1]
    groups = dict(sample.read().walk())
    assert len(groups) == 1501
    assert values_of(groups["/n" * 1500].arrays["x"]).tolist() == [1]


def test_order_is_that_of_creation_where_the_file_keeps_it(sample) -> None:
    for track_order, expected in ((True, ["z", "a", "m"]), (False, ["a", "m", "z"])):
        with sample.writing(track_order=track_order) as file:
            for name in ("z", "a", "m"):
                file[name] = [1]
        assert list(sample.checked().arrays) == expected


def test_group_can_be_chosen(sample) -> None:
    with sample.writing() as file:
        file["a/b/x"] = [1]
        file["a/b/bad"] = h5py.Empty("f4")
        file["c"] = [2]
    for path in ("a/b", "/a/b", "/a/b/"):
        group = sample.read(group=path)
        assert list(group.arrays) == ["x"]
        assert [p.variable for p in group.all_problems()] == ["/a/b/bad"]


@pytest.mark.parametrize("path", ["/missing", "/x", "a/missing"])
def test_group_that_is_not_there(sample, path) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        file.create_group("a")
    with pytest.raises(FormatError) as caught:
        sample.read(group=path)
    assert caught.value.problem.code == "hdf5-no-group"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("zarr.json", "_zarr.json"),
        (".zarray", "_.zarray"),
        (".zgroup", "_.zgroup"),
        ("..", "_.."),
        ("...", "_..."),
        ("back\\slash", "back_slash"),
    ],
)
@pytest.mark.parametrize("kind", ["array", "group"])
def test_reserved_names_are_changed_and_reported(sample, name, shown, kind) -> None:
    with sample.writing() as file:
        parent = file.create_group("g")
        if kind == "group":
            h5g.create(parent.id, name.encode())
        else:
            parent.create_dataset(None, data=[1])  # anonymous, linked below
            made = parent.create_dataset("tmp", data=[1])
            parent.id.links.create_hard(name.encode(), parent.id, b"tmp")
            del made, parent["tmp"]
    group = sample.read().groups["g"]
    assert list(group.arrays if kind == "array" else group.groups) == [shown]
    assert [(p.code, p.severity) for p in group.problems] == [("hdf5-name", "warning")]


def test_changed_names_do_not_collide(sample) -> None:
    with sample.writing() as file:
        file["a\\b"] = [1]
        file["a_b"] = [2]
    assert len(sample.read().arrays) == 2


@pytest.mark.parametrize("name", ["c", "0", "é", "a b", "{{u}}", "<b>", "x" * 300, ".hidden"])
def test_other_names_are_kept(sample, name) -> None:
    with sample.writing() as file:
        file[name] = np.arange(3)
    group = sample.checked()
    assert list(group.arrays) == [name]
    assert group.all_problems() == ()


def test_name_that_is_not_utf8(sample) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        file.id.links.create_hard(b"caf\xe9", file.id, b"x")
    group = sample.read()
    assert sorted(group.arrays) == ["café", "x"]
    assert [p.code for p in group.all_problems()] == ["hdf5-name"]


def test_two_underscores_are_kept_with_a_warning(sample) -> None:
    with sample.writing() as file:
        file["__x"] = [1]
    group = sample.checked()
    assert [(p.code, p.severity) for p in group.all_problems()] == [("hdf5-name", "warning")]
