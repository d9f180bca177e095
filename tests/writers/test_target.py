"""Where an output may be written, and what is never replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr

from zarrchive.errors import WriteError
from zarrchive.manifests import ManifestGroup
from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter
from zarrchive.writers.protocol import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

JSON, PARQUET = KerchunkJSONWriter(), KerchunkParquetWriter()
WRITERS = pytest.mark.parametrize("writer", [JSON, PARQUET], ids=["json", "parquet"])


@pytest.fixture
def group(make: Callable[..., Any]) -> ManifestGroup:
    return ManifestGroup(arrays={"x": make(np.arange(6.0), chunks=(2,)).array})


def refused(writer: Any, group: ManifestGroup, path: Path, **options: Any) -> str:
    before = sorted(path.parent.iterdir()) if path.parent.exists() else []
    with pytest.raises(WriteError) as caught:
        writer.write(group, str(path), **options)
    errors = [
        p for p in writer.problems_of(group, path=str(path), **options) if p.severity == "error"
    ]
    assert list(caught.value.problems) == errors
    assert before == (sorted(path.parent.iterdir()) if path.parent.exists() else [])
    [problem] = errors
    assert problem.where == os.path.realpath(path) or problem.where == str(path)
    return problem.code


@WRITERS
def test_destinations_that_are_refused(writer: Any, group: ManifestGroup, tmp_path: Path) -> None:
    assert refused(writer, group, tmp_path / "no" / "out") == "target-folder-missing"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert refused(writer, group, fifo) == "target-kind"


def test_a_file_that_is_no_reference_set_is_not_replaced(
    group: ManifestGroup, tmp_path: Path
) -> None:
    target = tmp_path / "data.nc"
    target.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert refused(JSON, group, target) == "target-not-references"
    assert refused(PARQUET, group, target) == "target-kind"
    target.write_bytes(b"")
    assert JSON.write(group, str(target)).size == target.stat().st_size


def test_a_folder_that_is_no_reference_set_is_not_replaced(
    group: ManifestGroup, tmp_path: Path
) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    assert refused(JSON, group, target) == "target-kind"
    PARQUET.write(group, str(target))
    PARQUET.write(group, str(target))
    (target / ".zmetadata").write_text("{}")
    assert refused(PARQUET, group, target) == "target-not-references"


@WRITERS
def test_a_source_is_never_replaced(writer: Any, group: ManifestGroup, tmp_path: Path) -> None:
    source = Path(group.arrays["x"].manifest.files[0].url)
    link = tmp_path / "link"
    link.symlink_to(source)
    for path in (source, link):
        with pytest.raises(WriteError) as caught:
            writer.write(group, str(path))
        assert caught.value.problem.code == "target-is-source"


def test_parquet_says_what_it_cannot_do(
    group: ManifestGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(PARQUET, group, tmp_path / "{x}.parq") == "parquet-braces"
    assert refused(PARQUET, group, tmp_path / "out.parq", zarr_format=3) == "parquet-zarr-format"
    [problem] = PARQUET.problems_of(group, path="s3://bucket/out.parq")
    assert problem.code == "parquet-not-local"
    monkeypatch.setattr("zarrchive.writers.reference_tables.find_spec", lambda name: None)
    [problem] = PARQUET.problems_of(group)
    assert problem.code == "parquet-missing"
    assert "zarrchive[parquet]" in problem.hint


def test_json_is_uploaded_to_other_file_systems(group: ManifestGroup) -> None:
    url = "memory://outputs/a.json"
    report = JSON.write(group, url)
    assert report.path == url
    storage = {"fo": url, "remote_protocol": "file"}
    found = xr.open_dataset("reference://", engine="zarr", storage_options=storage)
    np.testing.assert_array_equal(found["x"].values, np.arange(6.0))


def test_credentials_of_the_destination_are_not_reported(group: ManifestGroup) -> None:
    [problem] = PARQUET.problems_of(group, path="s3://user:hunter2@bucket/out.parq")
    assert "hunter2" not in str(problem)


@WRITERS
def test_predicted_and_real_size_are_alike(
    writer: Any, make: Callable[..., Any], tmp_path: Path
) -> None:
    array = make(np.zeros((200, 50)), chunks=(1, 5)).array
    group = ManifestGroup(groups={"g": ManifestGroup(arrays={"x": array})})
    predicted = writer.predicted_size(group)
    assert 0.5 < predicted / writer.write(group, str(tmp_path / "out")).size < 2


@WRITERS
def test_reports_count_what_was_written(
    writer: Any, make: Callable[..., Any], tmp_path: Path
) -> None:
    some = make(
        np.arange(8.0), chunks=(2,), missing=frozenset({(1,)}), inline=frozenset({(2,)}), fill=3.0
    )
    seen: list[tuple[int, int]] = []
    target = tmp_path / "out"
    report = writer.write(
        ManifestGroup(arrays={"x": some.array}),
        str(target),
        progress=lambda done, total: seen.append((done, total)),
    )
    files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
    assert report.size == sum(file.stat().st_size for file in files)
    assert (report.nrefs, report.ninlined, report.narrays) == (2, 2, 1)
    assert (report.path, report.format) == (str(target), writer.name)
    assert seen == [(4, 4)]
    assert report.seconds > 0


@WRITERS
def test_the_writers_are_plug_ins(writer: Any) -> None:
    from zarrchive.plugins import WRITERS as GROUP
    from zarrchive.plugins import PluginTable

    assert isinstance(writer, Writer)
    assert PluginTable[Any](GROUP).get(writer.name) == writer
