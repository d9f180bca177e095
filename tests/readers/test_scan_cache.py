"""What was read is kept by identity and by the way of reading; damage costs a second reading."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from zarrchive import LocationError
from zarrchive.location import SourceFile
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests.packing import pack
from zarrchive.readers.scan_cache import ScanCache, is_recognisable

HOW = {"reader": None, "group": None, "inline": None}
FILE = SourceFile("/a.nc", 10, 5, None)
GROUP = ManifestGroup(attributes={"title": "a"})


def test_what_was_put_is_there_for_the_next_run(tmp_path):
    with ScanCache(tmp_path / "new" / "folder", **HOW) as cache:
        assert cache.known(["/a.nc"]) == {}
        assert cache.get("/a.nc") is None
        cache.put("/a.nc", FILE, pack(GROUP))
    with ScanCache(tmp_path / "new" / "folder", **HOW) as cache:
        assert cache.known(["/b.nc", "/a.nc"]) == {"/a.nc": FILE}
        assert cache.get("/a.nc") == GROUP


def test_many_files_are_found_at_once(tmp_path):
    urls = [f"/{number}.nc" for number in range(1200)]
    with ScanCache(tmp_path, **HOW) as cache:
        for url in urls:
            cache.put(url, SourceFile(url, 1, 1), b"")
        assert set(cache.known(urls)) == set(urls)


@pytest.mark.parametrize(
    "other", [{"reader": "hdf5"}, {"group": "a"}, {"inline": frozenset({"time"})}]
)
def test_another_way_of_reading_is_another_entry(tmp_path, other):
    with ScanCache(tmp_path, **HOW) as cache:
        cache.put("/a.nc", FILE, pack(GROUP))
    with ScanCache(tmp_path, **{**HOW, **other}) as cache:
        assert cache.known(["/a.nc"]) == {}


def test_damage_means_that_the_file_is_read_again(tmp_path):
    with ScanCache(tmp_path, **HOW) as cache:
        cache.put("/a.nc", FILE, pack(GROUP)[:-1])
        assert cache.get("/a.nc") is None


def test_a_database_that_is_none_says_what_to_do(tmp_path):
    (tmp_path / "zarrchive-scans.sqlite").write_text("no database at all, but long enough" * 9)
    with pytest.raises(LocationError, match="remove this file") as caught:
        ScanCache(tmp_path, **HOW)
    assert caught.value.problem.code == "cache-unusable"


def test_a_folder_that_is_a_file_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocationError) as caught:
        ScanCache(tmp_path / "file", **HOW)
    assert caught.value.problem.code == "cache-unusable"


def test_two_processes_may_share_it(tmp_path):
    with ScanCache(tmp_path, **HOW) as one:
        one.put("/a.nc", FILE, pack(GROUP))
    with ScanCache(tmp_path, **HOW) as one, ScanCache(tmp_path, **HOW) as other:
        assert one.known(["/a.nc"]) == other.known(["/a.nc"]) == {"/a.nc": FILE}
    with closing(sqlite3.connect(tmp_path / "zarrchive-scans.sqlite")) as database:
        assert database.execute("select count(*) from scan").fetchone() == (1,)


def test_size_alone_tells_nothing():
    assert not is_recognisable(SourceFile("https://a/b.nc", 10))
    assert not is_recognisable(SourceFile("https://a/b.nc", None, None, "tag"))
    assert is_recognisable(SourceFile("https://a/b.nc", 10, None, "tag"))
    assert is_recognisable(SourceFile("/b.nc", 10, 7))
