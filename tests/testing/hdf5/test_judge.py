"""The judge finds nothing in a right hierarchy, and whatever is wrong in another."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import array_metadata
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5.judge import judge


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    target = tmp_path_factory.mktemp("judge") / "file.h5"
    with h5py.File(target, "w", libver="v108") as file:
        file.attrs["title"] = "größe"
        file.attrs["number"] = np.int16([1, 2])
        chunked = file.create_dataset("chunked", data=np.arange(24.0).reshape(4, 6), chunks=(2, 3))
        chunked.attrs["units"] = "K"
        file["contiguous"] = np.arange(6, dtype=">i2")
        file["group/text"] = ["a", "", "größe"]
        file["group/below/x"] = [True, False]
        file["null"] = h5py.Empty("f4")
        file["link"] = h5py.SoftLink("/nowhere")
    return target


@pytest.fixture
def right(path):
    return read_group(path)


def kinds(path, group):
    return [finding.kind for finding in judge(path, group).findings]


def with_arrays(group, **arrays):
    return replace(group, arrays={**group.arrays, **arrays})


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


def moved(array, *, offset=0, length=0, order=slice(None)):
    """Return an array with other references."""
    stored = array.manifest.stored()
    manifest = ChunkManifest.from_columns(
        array.manifest.grid_shape,
        files=array.manifest.files,
        path_id=stored.path_id,
        offset=(stored.offset + np.uint64(offset))[order],
        length=stored.length - length,
        positions=stored.position,
    )
    return ManifestArray(array.metadata, manifest)


def described(array, **changes):
    """Return an array with other metadata."""
    facts = {
        "shape": array.shape,
        "dtype": array.dtype,
        "chunk_shape": array.chunk_shape,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "fill_value": 0,
        "dimension_names": array.metadata.dimension_names,
        "attributes": dict(array.attributes),
    }
    return ManifestArray(array_metadata(**{**facts, **changes}), array.manifest)


def test_nothing_is_found_in_the_right_hierarchy(path, right) -> None:
    verdict = judge(path, right)
    assert verdict.findings == []
    assert verdict.counts == {"equal": 4, "problem": 1}
    assert verdict.n_variables == 5


@pytest.mark.parametrize("name", ["chunked", "contiguous"])
def test_missing_variable(path, right, name) -> None:
    assert kinds(path, replace(right, arrays=without(right.arrays, name))) == ["missing"]


def test_missing_group_and_what_is_below(path, right) -> None:
    assert kinds(path, replace(right, groups={})) == ["missing"]
    group = right.groups["group"]
    smaller = replace(right, groups={"group": replace(group, groups={})})
    assert kinds(path, smaller) == ["missing"]


def test_missing_problem(path, right) -> None:
    found = judge(path, replace(right, problems=())).findings
    assert {(one.kind, one.path) for one in found} == {("missing", "/null"), ("missing", "/link")}


def test_invented_variable(path, right) -> None:
    assert kinds(path, with_arrays(right, more=right.arrays["chunked"])) == ["invented"]


def test_variable_where_hdf5_has_a_null_dataspace(path, right) -> None:
    assert kinds(path, with_arrays(right, null=right.arrays["contiguous"])) == ["shape"]


def test_other_order(path, right) -> None:
    turned = dict(reversed(right.arrays.items()))
    assert kinds(path, replace(right, arrays=turned)) == ["order"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"title": "größe"},
        {"title": "Größe", "number": np.int16([1, 2])},
        {"title": "größe", "number": np.int16([1, 3])},
        {"title": "größe", "number": np.int32([1, 2])},
        {"title": "größe", "number": np.int16([[1, 2]])},
        {"title": "größe", "number": [1, 2]},
        {"title": "größe", "number": np.int16([1, 2]), "more": 1},
    ],
)
def test_other_attributes(path, right, attributes) -> None:
    assert kinds(path, replace(right, attributes=attributes)) == ["attribute"]


@pytest.mark.parametrize("name", ["chunked", "contiguous"])
@pytest.mark.parametrize("change", [{"offset": 8}, {"length": 8}])
def test_other_byte_ranges(path, right, name, change) -> None:
    changed = moved(right.arrays[name], **change)
    assert kinds(path, with_arrays(right, **{name: changed}))[0] in {"chunks", "unreadable"}


def test_chunks_in_other_places(path, right) -> None:
    turned = moved(right.arrays["chunked"], order=slice(None, None, -1))
    assert kinds(path, with_arrays(right, chunked=turned)) == ["chunks", "values"]


def test_chunks_in_other_places_of_a_damaged_file(path, right) -> None:
    """There only what is read counts, as the index may list what is never found."""
    turned = moved(right.arrays["chunked"], order=slice(None, None, -1))
    verdict = judge(path, with_arrays(right, chunked=turned), is_damaged=True, most_chunks=1)
    assert [finding.kind for finding in verdict.findings] == ["values"]


def test_lost_chunk(path, right) -> None:
    array = right.arrays["chunked"]
    lost = ManifestArray(array.metadata, ChunkManifest.empty(array.manifest.grid_shape))
    assert kinds(path, with_arrays(right, chunked=lost)) == ["values"]


def test_other_types_and_shapes(path, right) -> None:
    array = right.arrays["chunked"]
    integers = described(array, dtype=np.dtype("i8"))
    assert kinds(path, with_arrays(right, chunked=integers)) == ["values"]
    assert kinds(path, with_arrays(right, chunked=described(array, shape=(3, 6)))) == ["shape"]


def test_other_text(path, right) -> None:
    array = right.groups["group"].arrays["text"]
    (blob,) = array.manifest.inlined
    manifest = ChunkManifest.of_bytes((1,), blob.replace(b"a", b"b"))
    group = with_arrays(right.groups["group"], text=ManifestArray(array.metadata, manifest))
    assert kinds(path, replace(right, groups={"group": group})) == ["values"]


def test_what_h5py_refuses_is_accepted_with_a_word_only(path, right, tmp_path) -> None:
    damaged = tmp_path / "damaged.h5"
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        at = file.id.links.get_info(b"contiguous").u
    data[at : at + 4] = b"\xff" * 4
    damaged.write_bytes(data)
    found = judge(damaged, right, is_damaged=True).findings
    assert [(one.kind, one.path) for one in found] == [("accepted", "/contiguous")]
    assert judge(damaged, read_group(damaged), is_damaged=True).findings == []
    damaged.write_bytes(b"nothing")
    paths = {one.path for one in judge(damaged, right, is_damaged=True).findings}
    assert paths == {"/chunked", "/contiguous", "/group/text", "/group/below/x"}
