"""Laws and examples of `location.url`."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zarrchive.errors import LocationError
from zarrchive.location import crumbs, is_local, join, name, normalise, parent
from zarrchive.location.url import protocol, split_archive

ODD = " +#?%{}[]*::@&=~\\'\"<>|$!é\n"
parts = st.text(st.characters(blacklist_characters="/\0", codec="utf-8"), min_size=1).filter(
    lambda part: part not in {".", ".."}
)
odd_parts = st.text(ODD, min_size=1, max_size=8)
paths = st.lists(parts | odd_parts, min_size=1, max_size=4).map(lambda some: "/" + "/".join(some))
urls = st.builds(
    lambda scheme, host, some, query: f"{scheme}://{host}/{'/'.join(some)}{query}",
    st.sampled_from(["s3", "https", "HTTP", "gs", "memory", "abfs", "sftp"]),
    st.sampled_from(["bucket", "user:pw@host:8080", "[::1]:80"]),
    st.lists(st.text("ab.~%20*", min_size=1, max_size=5), max_size=3),
    st.sampled_from(["", "?x=1", "?sig=abc"]),
)


@given(paths)
@example("/data/50% of a+b #1?{x}[0]*::.nc")
def test_an_absolute_path_stays_as_it_is(path) -> None:
    assert normalise(path) == path
    assert is_local(normalise(path))


@given(paths | urls | st.text(min_size=1).filter(lambda text: not text.startswith("file:")))
@example("memory:///a//b")
@example("zip://a/b.nc::x/../y.zip")
def test_normalise_is_idempotent(url) -> None:
    once = normalise(url)
    assert normalise(once) == once


@given(paths)
def test_a_file_url_is_the_path_percent_encoded(path) -> None:
    assert normalise(Path(path).as_uri()) == str(PurePosixPath(path))


@given(paths, odd_parts)
def test_name_and_parent_undo_join_locally(folder, child) -> None:
    joined = join(folder, child)
    assert name(joined) == child
    assert parent(joined) == folder


@given(st.sampled_from(["s3://b", "https://h/d/", "memory://x", "zip://d::/a.zip"]), parts)
@example("zip://d::/a.zip", ":")
def test_name_undoes_join_remotely(folder, child) -> None:
    if child.strip() == child and "::" not in child:
        joined = join(folder, child)
        assert name(joined) == child
        assert (parent(joined) or "").rstrip("/") == folder.rstrip("/")


@given(paths | urls)
def test_crumbs_end_where_they_should(url) -> None:
    trail = crumbs(normalise(url))
    assert trail[-1][1] == normalise(url)
    for (_, above), (_, below) in pairwise(trail):
        assert parent(below) == above


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("FILE:///a%20b/c%2Bd.nc", "/a b/c+d.nc"),
        ("file://localhost/a.nc", "/a.nc"),
        ("file:///50%.nc", "/50%.nc"),
        ("file:///a#b?c.nc", "/a#b?c.nc"),
        ("HTTPS://h/a.nc#mode=bytes", "https://h/a.nc"),
        ("s3://b/a#1?.nc", "s3://b/a#1?.nc"),
        ("memory:///a", "memory://a"),
        ("zip://m.nc::file:///a%20b.zip", "zip://m.nc::/a b.zip"),
        ("//a//b/", "/a/b"),
        ("simplecache::https://h/a", "simplecache::https://h/a"),
    ],
)
def test_spellings(given_url, expected) -> None:
    assert normalise(given_url) == expected


def test_relative_paths_start_at_the_working_directory(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert normalise("a::b.nc") == f"{tmp_path}/a::b.nc"
    assert normalise(Path("x y")) == f"{tmp_path}/x y"
    assert normalise("..") == str(tmp_path.parent)
    assert normalise("zip://m::x.zip") == f"zip://m::{tmp_path}/x.zip"


def test_home_is_expanded_in_strings_only(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.chdir(tmp_path)
    assert normalise("~/a.nc") == "/home/somebody/a.nc"
    assert normalise("~a.nc") == f"{tmp_path}/~a.nc"
    assert normalise(Path("~/a.nc")) == f"{tmp_path}/~/a.nc"


def test_parent_folder_of_a_link_is_that_of_its_target(tmp_path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    path = f"{tmp_path}/link/../a.nc"
    Path(path).write_bytes(b"x")
    assert normalise(path) == os.path.realpath(path) == f"{tmp_path}/real/a.nc"


@pytest.mark.parametrize(
    ("url", "code"),
    [("", "location-empty"), ("file://other/a.nc", "location-host")],
)
def test_what_is_no_location(url, code) -> None:
    with pytest.raises(LocationError) as caught:
        normalise(url)
    assert caught.value.problem.code == code


def test_file_url_with_a_password_does_not_show_it() -> None:
    with pytest.raises(LocationError) as caught:
        normalise("file://me:secret@host/a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "trail"),
    [
        ("/", [("/", "/")]),
        ("/a/b", [("/", "/"), ("a", "/a"), ("b", "/a/b")]),
        ("s3://b/a/c", [("b", "s3://b"), ("a", "s3://b/a"), ("c", "s3://b/a/c")]),
        ("https://h/a%20b/", [("h", "https://h/"), ("a b", "https://h/a%20b/")]),
        (
            "zip://d/m::/z.zip",
            [
                ("/", "/"),
                ("z.zip", "zip://::/z.zip"),
                ("d", "zip://d::/z.zip"),
                ("m", "zip://d/m::/z.zip"),
            ],
        ),
    ],
)
def test_crumbs(url, trail) -> None:
    assert crumbs(url) == trail


def test_parts() -> None:
    assert protocol("/a") == "file"
    assert protocol("S3://b") == "s3"
    assert split_archive("zip://a::b::c") == ("a", "b::c")
    assert split_archive("zip://a") is None
    assert join("https://h/d?token=x", "a b.nc") == "https://h/d/a%20b.nc?token=x"
