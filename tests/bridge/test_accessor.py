"""`ds.virtual` and `tree.virtual`."""

from __future__ import annotations

import netCDF4
import pytest
import xarray as xr

from zarrchive import ManifestError, open_virtual_dataset, open_virtual_datatree


@pytest.fixture
def virtual(rich_file):
    return open_virtual_dataset(rich_file)


def test_numbers_and_paths(virtual, rich_file):
    assert virtual.virtual.paths() == [rich_file]
    assert virtual.virtual.nrefs == sum(
        v.data.manifest.nrefs for v in virtual.variables.values() if hasattr(v.data, "manifest")
    )
    assert virtual.virtual.manifest("t").nrefs == 3
    assert virtual.time.nbytes < virtual.virtual.nbytes < 2000


@pytest.mark.parametrize(
    ("name", "code"), [("time", "variable-loaded"), ("nothing", "variable-unknown")]
)
def test_no_manifest_of_what_is_not_virtual(virtual, name, code):
    with pytest.raises(ManifestError) as caught:
        virtual.virtual.manifest(name)
    assert caught.value.problem.code == code


def test_paths_are_renamed_by_the_longest_prefix_or_a_function(virtual, rich_file):
    folder = rich_file.removesuffix("rich file #1.nc")
    prefixes = {"/": "s3://wrong/", folder: "s3://bucket/"}
    renamed = virtual.virtual.rename_paths(prefixes)
    assert renamed.virtual.paths() == ["s3://bucket/rich file #1.nc"]
    assert renamed.virtual.nrefs == virtual.virtual.nrefs
    assert set(renamed.coords) == set(virtual.coords)
    back = renamed.virtual.rename_paths(lambda url: url.replace("s3://bucket/", folder))
    xr.testing.assert_identical(back.virtual.open().load(), virtual.virtual.open().load())
    with pytest.raises(ManifestError) as caught:
        virtual.virtual.rename_paths({"gs://": "s3://"})
    assert caught.value.problem.code == "rename-no-match"
    assert caught.value.problem.where == rich_file


@pytest.mark.parametrize("format_", ["json", "parquet"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_export_reads_back_through_fsspec(virtual, rich_file, tmp_path, format_, zarr_format):
    if (format_, zarr_format) == ("parquet", 3):
        pytest.skip("kerchunk parquet knows Zarr v2 only")
    target = tmp_path / f"out.{format_}"
    virtual = virtual.drop_vars("name")  # of characters, which kerchunk readers show as bytes
    report = virtual.virtual.to_kerchunk(target, format=format_, zarr_format=zarr_format)
    assert report.nrefs == virtual.virtual.nrefs
    with (
        xr.open_dataset(
            "reference://", engine="zarr", consolidated=False, storage_options={"fo": str(target)}
        ) as back,
        xr.open_dataset(rich_file, engine="netcdf4") as expected,
    ):
        xr.testing.assert_equal(back.load(), expected.drop_vars("name").load())


def test_a_tree_has_the_same(tmp_path):
    path = str(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 2)
        for group in (file, file.createGroup("a")):
            group.createVariable("v", "f4", ("x",))[:] = 1
    tree = open_virtual_datatree(path)
    assert tree.virtual.nrefs == 2
    assert tree.virtual.paths() == [path]
    assert tree.virtual.manifest("/a/v").nrefs == 1
    renamed = tree.virtual.rename_paths({str(tmp_path): "s3://bucket"})
    assert renamed.virtual.paths() == ["s3://bucket/a.nc"]
    assert list(renamed.children) == ["a"]
    target = tmp_path / "tree.json"
    assert tree.virtual.to_kerchunk(target).nrefs == 2
    with pytest.raises(ManifestError):
        tree.virtual.manifest("/b/v")
