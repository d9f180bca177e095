"""`read_group`: whatever a reader does, the caller gets a hierarchy or one clear Problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from zarrchive.errors import FormatError, LocationError, Problem, StaleSourceError
from zarrchive.location import get_range
from zarrchive.manifests import ManifestGroup
from zarrchive.readers import Match, read_group, read_source
from zarrchive.testing.sources import FailingSource, MemorySource, web_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Doing:
    """A reader that does what it is told when it reads."""

    act: Callable
    name: str = "doing"
    formats: tuple[str, ...] = ("Doing",)

    def match(self, head, url):
        return Match.YES

    def read(self, source, *, group=None, inline=frozenset()):
        return self.act(source, group, inline)


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "a.nc"
    path.write_bytes(b"content")
    return path


def test_options_are_passed_on_and_the_source_is_closed(path) -> None:
    expected = ManifestGroup(attributes={"a": 1})
    seen = []

    def act(source, group, inline):
        seen.extend([source, get_range(source, 0, 7), group, inline])
        return expected

    assert read_group(path, reader=Doing(act), group="/g", inline=None) is expected
    assert seen[1:] == [b"content", "/g", None]
    with pytest.raises(LocationError, match="source-closed"):
        get_range(seen[0], 0, 1)


def raising(error):
    def act(*_: object) -> None:
        raise error

    return Doing(act)


@pytest.mark.parametrize(
    "error",
    [OSError("x"), RuntimeError("x"), ValueError("x"), KeyError("x"), RecursionError("x")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_reader_raises_becomes_a_problem(path, error) -> None:
    with pytest.raises(FormatError) as caught:
        read_group(path, reader=raising(error))
    problem = caught.value.problem
    assert problem.code == "reader-failed"
    assert problem.where == str(path)
    assert type(error).__name__ in problem.what
    assert caught.value.__cause__ is error


def test_errors_of_ours_pass_as_they_are(path) -> None:
    error = FormatError(Problem(code="x", where="y", what="z", hint="w"))
    with pytest.raises(FormatError) as caught:
        read_group(path, reader=raising(error))
    assert caught.value is error


def test_errors_of_ours_are_found_in_what_a_library_wraps(path) -> None:
    def act(source, *_: object) -> None:
        try:
            get_range(source, 0, 100)
        except LocationError as error:
            raise RuntimeError("unable to read") from error

    with pytest.raises(LocationError, match="source-short-read"):
        read_group(path, reader=Doing(act))


def test_a_file_that_changes_while_it_is_read(path) -> None:
    def act(*_: object) -> ManifestGroup:
        path.write_bytes(b"longer content")
        return ManifestGroup()

    with pytest.raises(StaleSourceError, match="7 when it was scanned, 14 now"):
        read_group(path, reader=Doing(act))


def test_a_file_that_is_replaced_while_it_is_read(path) -> None:
    def act(*_: object) -> ManifestGroup:
        path.with_suffix(".new").write_bytes(b"new")
        path.with_suffix(".new").replace(path)
        return ManifestGroup()

    with pytest.raises(StaleSourceError):
        read_group(path, reader=Doing(act))


def test_credentials_in_a_message_are_not_shown() -> None:
    with web_server({"a": b"x"}) as web:
        url = f"{web.url}a?sig=secret"
        with pytest.raises(FormatError) as caught:
            read_group(url, reader=raising(OSError(f"cannot read {url}")))
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.problem.where == f"{web.url}a"


def test_an_html_page_is_named(tmp_path) -> None:
    path = tmp_path / "data.nc"
    path.write_text("<!DOCTYPE html><html><title>Log in</title></html>")
    with pytest.raises(FormatError, match="login or error page"):
        read_group(path)


def test_a_failing_source_is_the_error() -> None:
    source = FailingSource(MemorySource(b"\x89HDF\r\n\x1a\n" + bytes(600)))
    with pytest.raises(LocationError, match="test-failure"):
        read_source(source)
