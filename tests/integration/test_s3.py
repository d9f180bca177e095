"""Files in an S3 bucket, served on this machine: scan, look, combine, export; no secret leaks."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import numpy as np
import pytest
import xarray as xr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

import zarrchive

pytest.importorskip("s3fs")
from moto.server import ThreadedMotoServer

KEY, SECRET = "AKIDZARRCHIVETEST", "not-a-real-secret-4711"


@pytest.fixture(scope="module")
def bucket():
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="archive")
    yield (
        client,
        {
            "key": KEY,
            "secret": SECRET,
            "client_kwargs": {"endpoint_url": endpoint, "region_name": "us-east-1"},
        },
    )
    server.stop()


@pytest.fixture(scope="module")
def months(bucket, tmp_path_factory):
    client, options = bucket
    folder = tmp_path_factory.mktemp("months")
    paths = []
    for month in (1, 2):
        path = folder / f"tas_{month:02d}.nc"
        xr.Dataset(
            {"tas": (("time", "x"), np.arange(12.0).reshape(3, 4) + 100 * month)},
            coords={"time": ("time", np.arange(3) + 3 * month, {"units": "days since 2000-01-01"})},
        ).to_netcdf(path, engine="h5netcdf", encoding={"tas": {"chunksizes": (1, 4), "zlib": True}})
        client.upload_file(str(path), "archive", f"year 2000/{path.name}")
        paths.append(path)
    return paths, options


def test_bucket_to_references_and_back(months, tmp_path) -> None:
    paths, options = months
    combined = zarrchive.open_virtual_mfdataset(
        "s3://archive/year 2000/tas_*.nc", storage_options=options
    )
    with xr.open_mfdataset(paths, engine="h5netcdf") as expected:
        opened = combined.virtual.open(storage_options=options)
        xr.testing.assert_identical(opened.load(), expected.load())
        target = tmp_path / "year.json"
        combined.virtual.to_kerchunk(target)
        files = fsspec.filesystem(
            "reference", fo=str(target), remote_protocol="s3", remote_options=options
        )
        make = default_buffer_prototype().buffer.from_bytes
        held = {key: make(files.cat(key)) for key in files.find("")}
        back = xr.open_dataset(MemoryStore(held, read_only=True), engine="zarr")
        np.testing.assert_array_equal(back["tas"].values, expected["tas"].values)
    references = json.loads(target.read_text())["refs"]
    assert references["tas/0.0"][0] == "s3://archive/year 2000/tas_01.nc"


def test_no_secret_is_written_or_said(months, tmp_path) -> None:
    _, options = months
    dataset = zarrchive.open_virtual_dataset(
        "s3://archive/year 2000/tas_01.nc", storage_options=options
    )
    dataset.virtual.to_kerchunk(tmp_path / "refs.json")
    dataset.virtual.to_kerchunk(tmp_path / "refs.parquet", format="parquet")
    with pytest.raises(zarrchive.ZarrchiveError) as caught:
        zarrchive.open_virtual_dataset("s3://archive/none.nc", storage_options=options)
    written = [p.read_bytes() for p in Path(tmp_path).rglob("*") if p.is_file()]
    said = [str(caught.value), repr(caught.value), repr(dataset), str(dataset.virtual.paths())]
    for text in [*written, *(s.encode() for s in said)]:
        assert SECRET.encode() not in text
        assert KEY.encode() not in text


def test_object_replaced_after_the_scan_is_noticed(bucket, months, tmp_path) -> None:
    client, _ = bucket
    paths, options = months
    client.upload_file(str(paths[0]), "archive", "changing.nc")
    dataset = zarrchive.open_virtual_dataset("s3://archive/changing.nc", storage_options=options)
    client.put_object(Bucket="archive", Key="changing.nc", Body=paths[1].read_bytes())
    with pytest.raises(zarrchive.ZarrchiveError, match=r"changing\.nc"):
        dataset.virtual.open(storage_options=options)["tas"].load()
