"""What people name, and which files they mean."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import LocationError
from zarrchive.location import expand
from zarrchive.location.credentials import forget_credentials
from zarrchive.testing.sources import web_server


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name in ["b.nc", "a.nc", "aa.nc", "c.h5", "T_PAZA63", "README.md", ".x.nc", "s/a.nc"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "data[1]").mkdir()
    (folder / "data[1]" / "x.nc").write_bytes(b"")
    (folder / "data1").mkdir()
    (folder / "data1" / "y.nc").write_bytes(b"")
    return folder


def names(folder, what) -> list[str]:
    return [os.path.relpath(one, folder) for one in expand(what)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.nc", ["a.nc"]),
        ("*.nc", ["a.nc", "aa.nc", "b.nc"]),
        ("?.nc", ["a.nc", "b.nc"]),
        ("[ac].*", ["a.nc", "c.h5"]),
        ("**/a.nc", ["a.nc", "s/a.nc"]),
        ("", ["T_PAZA63", "a.nc", "aa.nc", "b.nc", "c.h5"]),
        ("data[1]/*.nc", ["data[1]/x.nc"]),
        ("data[1]", ["data[1]/x.nc"]),
        ("data[0-9]/*.nc", ["data1/y.nc"]),
        ("README.md", ["README.md"]),
    ],
)
def test_local(folder, pattern, expected) -> None:
    assert names(folder, f"{folder}/{pattern}") == expected


patterns = st.text("abcn.*?", min_size=1, max_size=4).filter(
    lambda text: set(text) & set("*?") and "**" not in text
)


@given(patterns)
def test_a_pattern_means_what_fnmatch_says(pattern) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    files = ["a", "ab", "b.n", "c.nc", "nn"]
    for one in files:
        memory.pipe_file(f"/p/{one}", b"")
    expected = [f"memory://p/{one}" for one in sorted(files) if fnmatchcase(one, pattern)]
    if expected:
        assert expand(f"memory://p/{pattern}") == expected
    else:
        with pytest.raises(LocationError, match="pattern-no-match"):
            expand(f"memory://p/{pattern}")
    memory.store.clear()


def test_a_file_that_exists_wins_over_the_pattern(tmp_path) -> None:
    (tmp_path / "a[1].nc").write_bytes(b"")
    (tmp_path / "a1.nc").write_bytes(b"")
    assert expand(tmp_path / "a[1].nc") == [f"{tmp_path}/a[1].nc"]
    (tmp_path / "a[1].nc").unlink()
    assert expand(f"{tmp_path}/a[1].nc") == [f"{tmp_path}/a1.nc"]


def test_several_keep_their_order_and_come_once(folder) -> None:
    some = [f"{folder}/b.nc", folder / "a.nc", f"{folder}/*.nc"]
    assert names(folder, some) == ["b.nc", "a.nc", "aa.nc"]
    assert expand([]) == []


@pytest.mark.parametrize(
    ("below", "code"),
    [
        ("missing.nc", "location-missing"),
        ("x*.nc", "pattern-no-match"),
        ("none/*.nc", "pattern-no-match"),
        ("empty", "folder-no-files"),
        ("empty.txt", "list-no-files"),
    ],
)
def test_nothing_found_is_said(tmp_path, below, code) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("nothing here")
    (tmp_path / "empty.txt").write_text("# only a comment\n\n")
    with pytest.raises(LocationError) as caught:
        expand(f"{tmp_path}/{below}")
    assert caught.value.problem.code == code
    assert caught.value.problem.where == f"{tmp_path}/{below}"


def test_a_list_of_files(tmp_path) -> None:
    text = "\ufeff# files\r\n\r\ns3://b/k.nc\r\n  sub/a b.nc \nfile:///x%20y.nc\n/z.nc\ns3://b/k.nc"
    (tmp_path / "list.TXT").write_text(text, encoding="utf-8")
    expected = ["s3://b/k.nc", f"{tmp_path}/sub/a b.nc", "/x y.nc", "/z.nc"]
    assert expand(tmp_path / "list.TXT") == expected


def test_a_data_file_called_txt_is_no_list(tmp_path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert expand(path) == [str(path)]


def test_remote_folders_and_patterns() -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for one in ["a.nc", "b[1].nc", "b1.nc", "deep/c.nc", "list.txt"]:
        memory.pipe_file(f"/r/{one}", b"a.nc\n")
    direct = [f"memory://r/{one}" for one in ["a.nc", "b1.nc", "b[1].nc"]]
    assert expand("memory:///r") == expand("memory://r/") == direct
    assert expand("memory://r/*.nc") == direct
    assert expand("memory://r/b[1].nc") == ["memory://r/b[1].nc"]
    assert expand("memory://r/**/c.nc") == ["memory://r/deep/c.nc"]
    assert expand("memory://r/list.txt") == ["memory://r/a.nc"]
    assert expand(["memory://not/there.nc"]) == ["memory://not/there.nc"]
    memory.store.clear()


def test_web_addresses_are_taken_as_they_are_and_show_no_credentials() -> None:
    forget_credentials()
    url = "https://me:secret@h.org/a.nc?token=x&v=1"
    assert expand(url) == expand([url]) == ["https://h.org/a.nc?v=1"]
    forget_credentials()


def test_patterns_on_a_web_page() -> None:
    with web_server() as web:
        page = '<a href="a.nc">a</a><a href="b.h5">b</a><a href="c.nc">c</a>'
        web.pages["d/"] = web.pages["d"] = page
        assert expand(f"{web.url}d/*.nc") == [f"{web.url}d/a.nc", f"{web.url}d/c.nc"]
        assert len(expand(f"{web.url}d/")) == 3


def test_relative_patterns_start_at_the_working_directory(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    assert expand("?.nc") == [f"{folder}/a.nc", f"{folder}/b.nc"]
    assert expand(Path("s")) == [f"{folder}/s/a.nc"]
