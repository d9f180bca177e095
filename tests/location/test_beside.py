"""Files that a file names are followed in its folder, and nowhere else."""

from __future__ import annotations

import fsspec
import pytest

from zarrchive.errors import LocationError
from zarrchive.location import open_source
from zarrchive.location.beside import open_beside
from zarrchive.testing.sources import CountingSource, MemorySource, web_server


@pytest.fixture
def main(tmp_path):
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "main").write_bytes(b"main")
    (folder / "other").write_bytes(b"other")
    (folder / "sub" / "deep").write_bytes(b"deep")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "data-not").mkdir()
    (tmp_path / "data-not" / "file").write_bytes(b"secret")
    with open_source(folder / "main") as source:
        yield source


def _content(source) -> bytes:
    with source:
        return source.get_ranges([(0, source.size)])[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other", b"other"),
        ("./sub/../other", b"other"),
        ("sub/deep", b"deep"),
        ("main", b"main"),
        ("../data/other", b"other"),
    ],
)
def test_names_in_the_folder(main, name, content) -> None:
    with open_beside(main, name) as found:
        assert ".." not in found.file.url
        assert found.get_ranges([(0, found.size)]) == [content]


@pytest.mark.parametrize("may_have_moved", [False, True])
@pytest.mark.parametrize(
    "name", ["../secret", "sub/../../secret", "/etc/hostname", "..", ".", "../data-not/file", "/"]
)
def test_names_out_of_the_folder(main, name, may_have_moved) -> None:
    with pytest.raises(LocationError) as caught:
        open_beside(main, name, may_have_moved=may_have_moved)
    assert caught.value.problem.code == "location-outside"


def test_links(main, tmp_path) -> None:
    folder = tmp_path / "data"
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "dangling").symlink_to(tmp_path / "nothing")
    (folder / "in").symlink_to(folder / "sub" / "deep")
    (folder / "away").symlink_to(tmp_path)
    assert _content(open_beside(main, "in")) == b"deep"
    for name in ("out", "dangling", "away/secret", "away/data-not/file"):
        with pytest.raises(LocationError) as caught:
            open_beside(main, name)
        assert caught.value.problem.code == "location-outside"


def test_absolute_names(main, tmp_path) -> None:
    inside, gone = str(tmp_path / "data" / "other"), "/nowhere/at/all/other"
    assert _content(open_beside(main, inside)) == b"other"
    assert _content(open_beside(main, gone, may_have_moved=True)) == b"other"
    for moved in (False, True):
        with pytest.raises(LocationError) as caught:
            open_beside(main, gone + "-not", may_have_moved=moved)
        code = "location-missing" if moved else "location-outside"
        assert caught.value.problem.code == code


def test_missing_files_and_folders(main) -> None:
    for name, code in {"absent": "location-missing", "sub": "location-not-a-file"}.items():
        with pytest.raises(LocationError) as caught:
            open_beside(main, name)
        assert caught.value.problem.code == code


def test_file_that_was_opened_through_a_link(main, tmp_path) -> None:
    link = tmp_path / "links" / "main"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "data" / "main")
    (link.parent / "near").write_bytes(b"near")
    with open_source(link) as source:
        assert _content(open_beside(source, "near")) == b"near"
        assert _content(open_beside(source, "other")) == b"other"


def test_web(tmp_path) -> None:
    files = {"run/main": b"main", "run/a b#1?.h5": b"odd", "run/sub/x": b"x", "y": b"secret"}
    with web_server(files) as server, open_source(f"{server.url}run/main") as main:
        assert _content(open_beside(main, "sub/x")) == b"x"
        assert _content(open_beside(main, "a b#1?.h5")) == b"odd"
        assert _content(open_beside(main, "/abs/sub/../main", may_have_moved=True)) == b"main"
        found = open_beside(main, "a b#1?.h5")
        with open_source(found.file) as again:
            assert again.file == found.file
        for name in ("../y", "/y", f"{server.url}y", "simplecache::file:///etc/hostname", "a\\b"):
            with pytest.raises(LocationError) as caught:
                open_beside(main, name)
            assert caught.value.problem.code == "location-outside"
        with pytest.raises(LocationError) as caught:
            open_beside(main, "absent")
        assert caught.value.problem.code == "location-missing"


def test_object_store_and_chain() -> None:
    system = fsspec.filesystem("memory")
    for name in ("main", "other"):
        system.pipe(f"/beside/run/{name}", name.encode())
    for url in ("memory://beside/run/main", "simplecache::memory://beside/run/main"):
        with open_source(url) as main:
            found = open_beside(main, "other")
            assert found.file.url == url.replace("main", "other")
            assert _content(found) == b"other"


@pytest.mark.parametrize("kind", [MemorySource, CountingSource])
def test_sources_without_a_folder(kind) -> None:
    source = MemorySource(b"")
    with pytest.raises(LocationError) as caught:
        open_beside(source if kind is MemorySource else CountingSource(source), "other")
    assert caught.value.problem.code == "location-alone"
