"""Listings: everything in a folder, in order, wherever it lies."""

from __future__ import annotations

import os
import sys
import zipfile
from collections import Counter

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import LocationError
from zarrchive.location import FolderEntry, list_folder, open_source
from zarrchive.testing.sources import web_server


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.nc").write_bytes(b"12345")
    (tmp_path / "a #1?.nc").write_bytes(b"123")
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "sub").mkdir()
    os.utime(tmp_path / "b.nc", (1, 1_700_000_000.5))
    return tmp_path


def test_entries_are_in_order_with_hidden_ones_last(folder) -> None:
    listing = list_folder(folder)
    assert listing.url == str(folder)
    names = [(entry.name, entry.kind, entry.size) for entry in listing.entries]
    assert names == [
        ("a #1?.nc", "file", 3),
        ("b.nc", "file", 5),
        ("sub", "folder", None),
        (".hidden", "file", 0),
    ]
    assert listing.entries[1].modified == 1_700_000_000.5
    assert listing.entries[1].url == f"{folder}/b.nc"
    assert not listing.problems


def test_every_file_of_a_listing_opens(folder) -> None:
    for entry in list_folder(folder).entries:
        if entry.kind == "file":
            with open_source(entry.url) as source:
                assert source.size == entry.size


def test_what_cannot_be_opened_is_listed_with_its_problem(folder) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "dangling").symlink_to("/nowhere")
    (folder / "link").symlink_to(folder / "sub")
    entries = {entry.name: entry for entry in list_folder(folder).entries}
    assert entries["fifo"].problem.code == "location-not-a-file"
    assert "/nowhere" in entries["dangling"].problem.what
    assert entries["link"].kind == "folder"
    assert len(list_folder(folder).problems) == 2


def test_an_entry_without_permission_is_kept(folder, monkeypatch) -> None:
    class Denied:
        name = "denied"

        def stat(self):
            raise PermissionError(13, "no")

        def is_symlink(self):
            return False

    from zarrchive.location import listing

    entry = listing._local_entry(str(folder), Denied())
    assert entry.problem.code == "location-permission"


@pytest.mark.parametrize(
    ("below", "code"),
    [("b.nc", "location-not-a-folder"), ("none", "location-missing")],
)
def test_what_is_no_folder(folder, below, code) -> None:
    with pytest.raises(LocationError) as caught:
        list_folder(folder / below)
    assert caught.value.problem.code == code


def test_each_entry_costs_the_same_few_calls(tmp_path) -> None:
    def calls_for(count: int) -> int:
        folder = tmp_path / f"{count}"
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}").touch()
        events = Counter()
        sys.setprofile(lambda _frame, event, _what: events.update([event]))
        try:
            entries = list_folder(folder).entries
        finally:
            sys.setprofile(None)
        assert len(entries) == count
        return events["call"] + events["c_call"]

    more = calls_for(2000) - calls_for(1000)
    assert more <= 10 * 1000


names = st.text(st.characters(codec="ascii", blacklist_characters="/\0:"), min_size=1).filter(
    lambda name: name.strip(" .") == name
)


@given(st.sets(names, min_size=1, max_size=5))
def test_memory_lists_what_was_put_there(some) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    for name in some:
        memory.pipe_file(f"/listed/{name}", name.encode())
    listing = list_folder("memory:///listed")
    assert {entry.name for entry in listing.entries} == some
    for entry in listing.entries:
        assert entry.modified is not None
        with open_source(entry.url) as source:
            assert source.size == entry.size == len(entry.name)
    memory.rm("/listed", recursive=True)


def test_remote_folders_and_files_are_told_apart() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/top/sub/a.nc", b"x")
    assert list_folder("memory://top").entries == (
        FolderEntry("sub", "memory://top/sub", "folder"),
    )
    for url, code in [
        ("memory://top/sub/a.nc", "location-not-a-folder"),
        ("memory://nowhere", "location-missing"),
        ("nope://x", "location-protocol"),
    ]:
        with pytest.raises(LocationError) as caught:
            list_folder(url)
        assert caught.value.problem.code == code
    memory.rm("/top", recursive=True)


PAGE = """<html><body><a href="../">Parent</a> <a href="?C=M;O=A">by date</a>
<a href="a%20b.nc">a b.nc</a> <a href="sub/">sub</a> <a href="/data/c.nc">c</a>
<a href="https://elsewhere.org/d.nc">elsewhere</a></body></html>"""


def test_a_web_page_lists_its_links() -> None:
    with web_server({"data/a b.nc": b"abc"}) as web:
        web.pages["data/"] = web.pages["data"] = PAGE
        listing = list_folder(f"{web.url}data/")
        shown = [(one.name, one.kind, one.url.removeprefix(web.url)) for one in listing.entries]
        assert shown == [
            ("a b.nc", "file", "data/a%20b.nc"),
            ("c.nc", "file", "data/c.nc"),
            ("sub", "folder", "data/sub/"),
        ]
        with open_source(listing.entries[0].url) as source:
            assert source.size == 3


def test_a_listing_shows_no_credentials_and_its_files_open() -> None:
    with web_server({"data/a b.nc": b"abc"}) as web:
        web.pages["data/"] = PAGE
        listing = list_folder(f"{web.url.replace('//', '//me:secret@')}data/")
        assert "secret" not in repr(listing)
        with open_source(listing.entries[0].url) as source:
            assert source.size == 3


def test_a_zip_archive_is_a_folder(tmp_path) -> None:
    path = tmp_path / "a :: [1]%20.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top.nc", b"12")
        archive.writestr("sub/in.nc", b"1")
    top = list_folder(f"zip://::{path}").entries
    assert [(one.name, one.kind) for one in top] == [("sub", "folder"), ("top.nc", "file")]
    below = list_folder(top[0].url).entries
    assert [one.url for one in below] == [f"zip://sub/in.nc::{path}"]
    with open_source(below[0].url) as source:
        assert source.size == 1
    with web_server({"a.zip": path.read_bytes()}) as web:
        assert len(list_folder(f"zip://sub::{web.url}a.zip").entries) == 1
    path.write_bytes(b"no archive")
    with pytest.raises(LocationError, match="archive-damaged"):
        list_folder(f"zip://::{path}")
