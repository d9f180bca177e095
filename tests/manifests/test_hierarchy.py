"""ManifestGroup: trees that are values, however deep."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given

from zarrchive.errors import ManifestError, Problem
from zarrchive.location.identity import SourceFile
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests.summary import summarise, summarise_group
from zarrchive.testing.strategies import manifest_groups, stored

AIR = stored(np.arange(6, dtype="<f4").reshape(2, 3), (1, 2), states="fimf").array
PROBLEM = Problem(code="some-problem", where="a.nc", what="x is 1, not 2", hint="look at it")


def tree() -> ManifestGroup:
    below = ManifestGroup(arrays={"air": AIR}, attributes={"level": np.int16(2)})
    return ManifestGroup(
        arrays={"air": AIR},
        groups={"a": ManifestGroup(groups={"b": below}, problems=(PROBLEM,))},
        attributes={"title": "x", "fill": np.float32(np.nan)},
    )


@given(manifest_groups())
def test_pickles_and_compares_by_value(group: ManifestGroup) -> None:
    again = pickle.loads(pickle.dumps(group))
    assert again == group
    assert [path for path, _ in again.walk()] == [path for path, _ in group.walk()]
    assert group.map_arrays(lambda _, array: array) == group
    assert copy.deepcopy(group) == group


@given(manifest_groups())
def test_paths_lead_where_walking_does(group: ManifestGroup) -> None:
    for path, node in group.walk():
        assert group.group_at(path) is node
        assert group.with_group(path, node) == group
    for path, array in group.walk_arrays():
        assert group.array_at(path) is array
        assert group.with_array(path, array) == group
    attributes = {path: node.attributes for path, node in group.walk()}
    rebuilt = ManifestGroup.from_paths(arrays=dict(group.walk_arrays()), attributes=attributes)
    assert dict(rebuilt.walk()) == dict(group.walk())


def test_differences_are_seen() -> None:
    assert tree() == tree()
    assert tree() != tree().with_array("/air", AIR[:1])
    assert tree() != tree().with_group("/a/c", ManifestGroup())
    assert tree() != tree().with_group("/a", ManifestGroup())
    assert tree() != ManifestGroup(
        arrays=tree().arrays, groups=tree().groups, attributes={"title": "x", "fill": 0}
    )
    assert tree() != "a tree"


def test_changing_one_place_leaves_the_original() -> None:
    group = tree()
    changed = group.with_array("/a/b/more", AIR[1:])
    assert set(changed.group_at("/a/b").arrays) == {"air", "more"}
    assert set(group.group_at("/a/b").arrays) == {"air"}
    assert changed.group_at("/a").problems == (PROBLEM,)
    assert changed.all_problems() == (PROBLEM,)
    assert changed.array_at("/a/b/more").name == "air"


@pytest.mark.parametrize("path", ["/nowhere", "/a/nowhere", "/air/air", ""])
def test_paths_that_lead_nowhere(path: str) -> None:
    with pytest.raises(KeyError):
        tree().array_at(path)
    with pytest.raises(KeyError):
        tree().group_at(f"/nowhere{path}")
    with pytest.raises(KeyError):
        tree().with_group("/nowhere/below", ManifestGroup())


def test_a_path_cannot_be_both_array_and_group() -> None:
    with pytest.raises(ManifestError, match="hierarchy-conflict"):
        ManifestGroup.from_paths(arrays={"/a": AIR, "/a/b": AIR})


def test_files_are_renamed_everywhere() -> None:
    moved = tree().map_files(lambda file: SourceFile("s3://bucket/a.nc", file.size))
    assert {f.url for _, a in moved.walk_arrays() for f in a.manifest.files} == {"s3://bucket/a.nc"}
    assert moved.array_at("/a/b/air").manifest.nrefs == AIR.manifest.nrefs


def test_arrays_know_their_names() -> None:
    nameless = AIR.named("")
    group = ManifestGroup(arrays={"temperature": nameless, "air": AIR})
    assert [array.name for array in group.arrays.values()] == ["temperature", "air"]
    assert group.arrays["air"] is AIR


def test_mappings_cannot_be_written_to() -> None:
    arrays = {"air": AIR}
    group = ManifestGroup(arrays=arrays)
    arrays["more"] = AIR
    assert list(group.arrays) == ["air"]
    with pytest.raises(TypeError):
        group.arrays["more"] = AIR
    with pytest.raises(TypeError):
        group.attributes["title"] = "y"


def test_thousands_of_nested_groups() -> None:
    group = ManifestGroup(arrays={"air": AIR})
    for _ in range(3000):
        group = ManifestGroup(groups={"g": group})
    path = "/g" * 3000
    assert pickle.loads(pickle.dumps(group)) == group
    assert group.array_at(f"{path}/air") is AIR
    assert sum(1 for _ in group.walk()) == 3001
    changed = group.with_array(f"{path}/air", AIR[:1])
    assert changed != group
    assert changed.array_at(f"{path}/air").shape == (1, 3)
    assert "groups: g" in repr(group)
    assert summarise_group(group).ngroups == 3000


def test_summaries_count_chunks_and_bytes() -> None:
    summary = summarise(AIR)
    assert (summary.nchunks, summary.nrefs, summary.ninlined, summary.nmissing) == (4, 2, 1, 1)
    assert (summary.stored_nbytes, summary.decoded_nbytes) == (24, 24)
    assert summary.codecs == ("bytes(endian=little)",)
    assert summary.ratio == 1
    assert summarise(AIR[:0]).ratio is None
    whole = summarise_group(tree())
    assert (whole.narrays, whole.ngroups, whole.nrefs, whole.ninlined) == (2, 2, 4, 2)
    assert (whole.stored_nbytes, whole.nmissing, whole.nproblems) == (48, 2, 1)
    assert whole.files == summary.files
    assert whole.manifest_nbytes == 2 * AIR.manifest.nbytes
