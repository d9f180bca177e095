"""How many files are read: remembered, elsewhere, with progress, until somebody stops it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from zarrchive import FormatError, open_virtual_mfdataset
from zarrchive.readers.hdf5 import HDF5Reader


@pytest.fixture
def reads(monkeypatch):
    """Names of the files whose contents are read, as they are."""
    names = []
    read = HDF5Reader.read

    def noted(self, source, **options):
        names.append(Path(source.file.url).name)
        return read(self, source, **options)

    monkeypatch.setattr(HDF5Reader, "read", noted)
    return names


def test_a_file_that_has_not_changed_is_not_read_again(daily, tmp_path, reads):
    paths = [daily("a", 0), daily("b", 2)]
    cache = tmp_path / "cache"
    first = open_virtual_mfdataset(paths, cache=cache)
    assert reads == ["a.nc", "b.nc"]
    again = open_virtual_mfdataset(paths, cache=cache)
    assert reads == ["a.nc", "b.nc"]
    xr.testing.assert_identical(again.virtual.open().load(), first.virtual.open().load())
    assert again.virtual.to_group() == first.virtual.to_group()
    assert again.virtual.problems == first.virtual.problems


def test_only_what_is_new_or_changed_is_read(daily, tmp_path, reads):
    paths = [daily("a", 0), daily("b", 2)]
    open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    reads.clear()
    paths.append(daily("c", 6))
    daily("b", 3)
    virtual = open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    assert reads == ["b.nc", "c.nc"]
    xr.testing.assert_identical(
        virtual.virtual.open().load(), open_virtual_mfdataset(paths).virtual.open().load()
    )


def test_an_interruption_loses_nothing_that_was_read(daily, tmp_path, reads):
    paths = [daily(name, 2 * number) for number, name in enumerate("abcd")]

    def stop(done, total):
        assert total == 4
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_virtual_mfdataset(paths, cache=tmp_path / "cache", progress=stop)
    reads.clear()
    open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    assert reads == ["c.nc", "d.nc"]


def test_other_loaded_variables_are_read_in_their_own_way(daily, tmp_path, reads):
    paths = [daily("a", 0)]
    open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    virtual = open_virtual_mfdataset(paths, cache=tmp_path / "cache", loadable_variables=["t"])
    assert reads == ["a.nc", "a.nc"]
    assert isinstance(virtual.t.data, np.ndarray)


def test_files_that_refer_to_others_are_always_read(tmp_path, reads):
    """Of the others nobody would notice a change."""
    with h5py.File(tmp_path / "values.h5", "w") as file:
        file["x"] = np.arange(4)
    layout = h5py.VirtualLayout((4,), "i8")
    layout[:] = h5py.VirtualSource("values.h5", "x", (4,))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    path = str(tmp_path / "all.h5")
    for _ in range(2):
        reads.clear()
        open_virtual_mfdataset(path, cache=tmp_path / "cache")
        assert "all.h5" in reads


def test_a_damaged_file_is_tried_again(daily, tmp_path, reads):
    paths = [daily("a", 0), daily("b", 2)]
    with Path(paths[1]).open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(FormatError):
        open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    daily("b", 2)
    virtual = open_virtual_mfdataset(paths, cache=tmp_path / "cache")
    assert virtual.sizes["time"] == 4
    assert reads == ["a.nc", "b.nc", "b.nc"]


def test_progress_is_told_file_by_file(daily):
    told = []
    paths = [daily("a", 0), daily("b", 2), daily("c", 4)]
    open_virtual_mfdataset(paths, progress=lambda *now: told.append(now), executor="threads")
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_bar_is_drawn_where_it_is_wanted_and_goes_again(daily, capfd):
    paths = [daily("a", 0), daily("b", 2)]
    open_virtual_mfdataset(paths, progress=True)
    assert "Reading files" in capfd.readouterr().err
    for quiet in (False, None):
        open_virtual_mfdataset(paths, progress=quiet)
        assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("ignore")  # of sockets that the cluster leaves to the collector
def test_a_dask_cluster_reads_the_files(daily, tmp_path):
    distributed = pytest.importorskip("distributed")
    paths = [daily("a", 0), daily("b", 2), daily("c", 4)]
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        virtual = open_virtual_mfdataset(
            paths, executor=client.get_executor(), cache=tmp_path / "cache"
        )
    expected = open_virtual_mfdataset(paths)
    assert virtual.virtual.to_group() == expected.virtual.to_group()
    xr.testing.assert_identical(virtual.virtual.open().load(), expected.virtual.open().load())
