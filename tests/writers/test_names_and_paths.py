"""Odd names of variables and files come back as they are, or are refused with a Problem."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import WriteError
from zarrchive.location.identity import SourceFile
from zarrchive.manifests import ChunkManifest, ManifestArray, ManifestGroup
from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")

JSON, PARQUET = KerchunkJSONWriter(), KerchunkParquetWriter()
WRITERS = pytest.mark.parametrize("writer", [JSON, PARQUET], ids=["json", "parquet"])

FILE_NAMES = [
    "a b.nc",
    "50% of #1 + more?.nc",
    "%41.nc",
    "{{u}}.nc",
    "{x}[0]*.nc",
    "a::b.nc",
    "file:x.nc",
    "memory:x.nc",
    "~tilde.nc",
    "tab\tnewline\n.nc",
    "back\\slash \"quotes\" 'single'.nc",
    "ünï ☃ 𝄞.nc",
    "trailing space ",
    "-dash",
    "a.zip",
    "$HOME",
]
NAMES = [
    "a b",
    "quote\"'",
    "new\nline\ttab",
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "ünï",
    "{{u}}",
    "50%",
    "a*b?",
    "#",
    "c",
    "0",
    "0.0",
    "refs.0.parq",
    "base64:",
    "zarr",
    "...x",
    " ",
    "a:b::c",
    "reference:",
]


def with_url(array: ManifestArray, url: str) -> ManifestArray:
    manifest = array.manifest.map_files(lambda file: SourceFile(url, file.size, file.mtime_ns))
    return ManifestArray(array.metadata, manifest)


@WRITERS
@pytest.mark.parametrize("name", FILE_NAMES)
def test_files_with_odd_names_are_found(
    writer: Any, name: str, make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    made = make(np.arange(4.0), file_name=name)
    path = str(tmp_path / "out")
    writer.write(ManifestGroup(arrays={"x": made.array}), path)
    np.testing.assert_array_equal(read(path)["x"].values, made.values)


@WRITERS
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_variables_and_groups_with_odd_names_come_back(
    writer: Any,
    zarr_format: int,
    name: str,
    make: Callable[..., Any],
    read: Callable[..., Any],
    tmp_path: Path,
) -> None:
    if zarr_format not in writer.formats:
        return
    made = make(np.arange(4.0), chunks=(3,))
    inner = ManifestGroup(arrays={name: made.array}, attributes={name: name})
    path = str(tmp_path / "out")
    writer.write(ManifestGroup(groups={f"g{name}": inner}), path, zarr_format=zarr_format)
    found = read(path)[f"g{name}"]
    np.testing.assert_array_equal(found.dataset[name].values, made.values)
    assert found.attrs == {name: name}


@given(name=st.text(st.characters(codec="utf-8"), max_size=6))
def test_a_name_is_refused_or_comes_back(
    name: str, make: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = make(np.arange(2.0))
    group = ManifestGroup(arrays={name: made.array})
    path = str(tmp_path_factory.getbasetemp() / "names.json")
    if JSON.problems_of(group):
        with pytest.raises(WriteError):
            JSON.write(group, path)
        return
    JSON.write(group, path)
    found = xr.open_dataset("reference://", engine="zarr", storage_options={"fo": path})
    np.testing.assert_array_equal(found[name].values, made.values)


@WRITERS
@pytest.mark.parametrize(
    "name", ["", ".", "..", "...", "a/b", "a\\b", "a\0b", ".zarray", ".zgroup", "zarr.json"]
)
def test_names_that_mean_something_else_are_refused(
    writer: Any, name: str, make: Callable[..., Any], tmp_path: Path
) -> None:
    one, other = make(np.arange(2.0)).array, make(np.arange(2.0)).array
    group = ManifestGroup(arrays={name: one, "x": other})
    [problem] = writer.problems_of(group)
    assert problem.code == "name-refused"
    report = writer.write(group, str(tmp_path / "out"), on_problem="skip")
    assert report.narrays == 1
    assert [p.code for p in report.problems] == ["name-refused"]
    below = ManifestGroup(groups={name: ManifestGroup(arrays={"y": other})})
    assert [p.code for p in writer.problems_of(below)] == ["name-refused"]


@pytest.mark.parametrize("name", [".zed", "x" * 300, "ü" * 200])
def test_names_that_only_parquet_cannot_have(
    name: str, make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    made = make(np.arange(2.0))
    group = ManifestGroup(arrays={name: made.array})
    assert [p.code for p in PARQUET.problems_of(group)] == ["parquet-refused"]
    JSON.write(group, str(tmp_path / "out"))
    np.testing.assert_array_equal(read(str(tmp_path / "out"))[name].values, made.values)


def test_an_array_and_a_group_of_one_name_are_refused(make: Callable[..., Any]) -> None:
    array = make(np.arange(2.0)).array
    group = ManifestGroup(arrays={"x": array}, groups={"x": ManifestGroup()})
    assert [p.code for p in JSON.problems_of(group)] == ["name-refused"]


@WRITERS
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("s3://user:hunter2@bucket/a.nc", "url-credentials"),
        ("https://h/a.nc?X-Amz-Signature=hunter2&X-Amz-Date=1", "url-credentials"),
        ("zip://a.nc::/data/b.zip", "url-chained"),
        ("simplecache::s3://bucket/a.nc", "url-chained"),
        ("a.nc", "url-relative"),
        ("/data/a://b.nc", "url-ambiguous"),
    ],
)
def test_urls_that_readers_cannot_follow_are_refused(
    writer: Any, url: str, code: str, make: Callable[..., Any], tmp_path: Path
) -> None:
    group = ManifestGroup(arrays={"x": with_url(make(np.arange(2.0)).array, url)})
    with pytest.raises(WriteError) as caught:
        writer.write(group, str(tmp_path / "out"))
    [problem] = caught.value.problems
    assert (problem.code, problem.variable) == (code, "/x")
    assert "hunter2" not in str(problem)
    assert not list(tmp_path.iterdir())
    report = writer.write(group, str(tmp_path / "out"), on_problem="skip")
    assert b"hunter2" not in b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert "hunter2" not in repr(report)


def test_remote_urls_are_written_as_they_are_and_read(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    import fsspec

    url = "memory://bucket/a b%20#.nc"
    made = make(np.arange(6.0), chunks=(2,))
    with fsspec.open(url, "wb") as file:
        file.write(Path(made.array.manifest.files[0].url).read_bytes())
    group = ManifestGroup(arrays={"x": with_url(made.array, url)})
    path = str(tmp_path / "out.json")
    JSON.write(group, path)
    found = xr.open_dataset("reference://", engine="zarr", storage_options={"fo": path})
    np.testing.assert_array_equal(found["x"].values, made.values)


def test_files_whose_names_are_not_utf8_can_be_referenced_in_json_only(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    made = make(np.arange(4.0))
    copy = tmp_path / os.fsdecode(b"\xff\xfe.nc")
    copy.write_bytes(Path(made.array.manifest.files[0].url).read_bytes())
    group = ManifestGroup(arrays={"x": with_url(made.array, str(copy))})
    assert [p.code for p in PARQUET.problems_of(group)] == ["parquet-refused"]
    JSON.write(group, str(tmp_path / "out.json"))
    np.testing.assert_array_equal(read(str(tmp_path / "out.json"))["x"].values, made.values)


def test_source_identities_travel_with_the_references(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    made = make(np.arange(4.0), chunks=(2,))
    JSON.write(ManifestGroup(arrays={"x": made.array}), str(tmp_path / "out.json"))
    PARQUET.write(ManifestGroup(arrays={"x": made.array}), str(tmp_path / "out.parq"))
    documents = [tmp_path / "out.json", tmp_path / "out.parq" / ".zmetadata"]
    [file] = made.array.manifest.files
    for document in documents:
        summary = json.loads(document.read_text())["zarrchive"]
        assert (summary["references"], summary["inlined"], summary["arrays"]) == (2, 0, 1)
        assert summary["sources"] == [
            {"url": file.url, "size": file.size, "mtime_ns": file.mtime_ns, "etag": None}
        ]


def test_arrays_without_dimension_names_can_be_opened(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    from dataclasses import replace

    made = make(np.arange(6.0).reshape(2, 3))
    for names in (None, ("t", None)):
        metadata = replace(made.array.metadata, dimension_names=names)
        array = ManifestArray(metadata, made.array.manifest)
        for zarr_format in (2, 3):
            path = str(tmp_path / "out.json")
            JSON.write(ManifestGroup(arrays={"x": array}), path, zarr_format=zarr_format)
            first = "x_dim_0" if names is None else "t"
            assert read(path)["x"].dims == (first, "x_dim_1")


def test_deep_and_empty_groups_are_written(read: Callable[..., Any], tmp_path: Path) -> None:
    group = ManifestGroup(attributes={"here": "the bottom"})
    for _ in range(300):
        group = ManifestGroup(groups={"g": group})
    path = str(tmp_path / "out.json")
    assert JSON.write(group, path).narrays == 0
    refs = json.loads((tmp_path / "out.json").read_text())["refs"]
    assert "/".join(["g"] * 300) + "/.zgroup" in refs
    assert JSON.write(ManifestGroup(), path).narrays == 0
    assert list(read(path).children) == []
    assert ChunkManifest.empty((2,)).size == 2
