"""Everything that is not local: web server, memory and zip members give the same bytes."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zarrchive.errors import LocationError, StaleSourceError
from zarrchive.location import ByteRange, get_range, open_source
from zarrchive.location.credentials import forget_credentials
from zarrchive.location.remote import modified_ns, problem_of_failure
from zarrchive.testing.sources import web_server

CONTENT = bytes(range(256)) * 20 + os.urandom(500)
NAME = "a b+c #1?[x]{y}%.nc"


@pytest.fixture(scope="module")
def server():
    with web_server({"data/a.nc": CONTENT}) as server:
        yield server


@pytest.fixture
def web():
    with web_server({"a.nc": CONTENT}) as server:
        yield server


@pytest.fixture(scope="module")
def urls(server, tmp_path_factory):
    archive = tmp_path_factory.mktemp("archive :: [x]") / "a b.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("stored.nc", CONTENT)
        opened.writestr(f"deep/{NAME}", CONTENT, compress_type=zipfile.ZIP_DEFLATED)
        opened.writestr("empty.nc", b"")
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/remote/{NAME}", CONTENT)
    server.files["archive.zip"] = archive.read_bytes()
    yield {
        "memory": f"memory://remote/{NAME}",
        "http": f"{server.url}data/a.nc",
        "zip stored": f"zip://stored.nc::{archive}",
        "zip deflated": f"zip://deep/{NAME}::{archive}",
        "zip over http": f"zip://stored.nc::{server.url}archive.zip",
    }
    memory.rm("/remote", recursive=True)


KINDS = ["memory", "http", "zip stored", "zip deflated", "zip over http"]


@pytest.mark.parametrize("kind", KINDS)
def test_ranges_are_slices(urls, kind) -> None:
    offsets = st.integers(0, len(CONTENT))

    @given(st.lists(st.tuples(offsets, offsets).map(sorted), max_size=4))
    @settings(max_examples=10)
    def check(spans) -> None:
        wanted = [ByteRange(a, b - a) for a, b in spans]
        assert source.get_ranges(wanted) == [CONTENT[a:b] for a, b in spans]

    with open_source(urls[kind]) as source:
        assert source.size == source.file.size == len(CONTENT)
        assert source.file.url == urls[kind]
        assert source.local_path is None
        check()
        assert get_range(source, 5, 10) == CONTENT[5:15]
        assert (source.requests[-1].offset, source.requests[-1].length) == (5, 10)
        with pytest.raises(LocationError, match="source-short-read"):
            get_range(source, len(CONTENT) - 1, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_file_has_the_same_identity(urls, kind) -> None:
    with open_source(urls[kind]) as source:
        seen = source.file
    with open_source(seen) as source:
        assert source.file == seen


def test_opening_costs_one_request_and_a_batch_one_per_range(web) -> None:
    with open_source(f"{web.url}a.nc") as source:
        assert [method for method, *_ in web.log] == ["HEAD"]
        source.get_ranges([ByteRange(0, 8), ByteRange(0, 0), ByteRange(100, 8)])
    ranges = sorted(span for _, _, span in web.log[1:])
    assert ranges == ["bytes=0-7", "bytes=100-107"]
    assert len(source.requests) == 2


def refusal(url, error=LocationError):
    with pytest.raises(error) as caught, open_source(url) as source:
        get_range(source, 0, 8)
    return caught.value.problem


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "location-permission"),
        (403, "location-permission"),
        (404, "location-missing"),
        (500, "location-unreachable"),
    ],
)
def test_refusals_of_the_server(web, status, code) -> None:
    web.status["a.nc"] = status
    problem = refusal(f"{web.url}a.nc")
    assert problem.code == code
    assert problem.where == f"{web.url}a.nc"
    assert str(status) in problem.what


def test_a_server_that_is_not_there() -> None:
    with web_server() as gone:
        pass
    assert refusal(f"{gone.url}a.nc").code == "location-unreachable"


def test_a_server_without_ranges(web) -> None:
    web.with_ranges = False
    problem = refusal(f"{web.url}a.nc")
    assert problem.code == "source-no-ranges"
    assert f"8 bytes with {len(CONTENT)}" in problem.what


def test_a_server_that_does_not_tell_the_size(web) -> None:
    web.with_size = False
    web.pages["login"] = "<html>log in</html>"
    problem = refusal(f"{web.url}login")
    assert problem.code == "source-no-size"
    assert "text/html" in problem.what


def test_a_file_that_is_shorter_than_announced(web) -> None:
    web.truncate_at = 5
    problem = refusal(f"{web.url}a.nc")
    assert problem.code == "source-short-read"
    assert "only 5" in problem.what


def test_a_file_that_changes_between_two_reads(web) -> None:
    with open_source(f"{web.url}a.nc") as source:
        assert get_range(source, 0, 4) == CONTENT[:4]
        web.files["a.nc"] = CONTENT[::-1]
        with pytest.raises(StaleSourceError, match="entity tag"):
            get_range(source, 0, 4)
    with pytest.raises(StaleSourceError, match="entity tag"):
        open_source(source.file)


def test_a_server_that_misjudges_its_own_tag(web) -> None:
    web.wrong_tag = True
    with open_source(f"{web.url}a.nc") as source:
        assert get_range(source, 0, 4) == CONTENT[:4]
        requests = len(web.log)
        assert get_range(source, 4, 4) == CONTENT[4:8]
        assert len(web.log) == requests + 1


def test_a_changed_object_in_memory() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/changing.nc", b"one")
    with open_source("memory://changing.nc") as source:
        seen = source.file
    memory.pipe_file("/changing.nc", b"three")
    with pytest.raises(StaleSourceError):
        open_source(seen)
    memory.rm("/changing.nc")


def test_credentials_are_used_and_never_shown(web) -> None:
    forget_credentials()
    address = web.url.replace("http://", "http://me:secret@")
    with open_source(f"{address}a.nc?sig=secret&x=1") as source:
        assert source.file.url == f"{web.url}a.nc?x=1"
        get_range(source, 0, 1)
    assert all(path == "/a.nc?sig=secret&x=1" for _, path, _ in web.log)
    with open_source(source.file) as again:
        assert get_range(again, 0, 1) == CONTENT[:1]
    web.status["a.nc"] = 403
    with pytest.raises(LocationError) as caught:
        open_source(f"{address}a.nc?sig=secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    forget_credentials()


@pytest.mark.parametrize(
    ("url", "code", "hint"),
    [
        ("nope://a/b", "location-protocol", "https, s3"),
        ("memory://not/there", "location-missing", "spelling"),
        ("zip://a::/not/there.zip", "location-missing", "spelling"),
    ],
)
def test_other_refusals(url, code, hint) -> None:
    problem = refusal(url)
    assert problem.code == code
    assert hint in problem.hint


def test_a_missing_package_names_the_extra(monkeypatch) -> None:
    def missing(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("zarrchive.location.remote.fsspec.get_filesystem_class", missing)
    problem = refusal("s3://bucket/key")
    assert problem.code == "location-protocol"
    assert 'pip install "zarrchive[remote]"' in problem.hint


def test_a_folder_is_not_a_file() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/folder/a.nc", b"x")
    assert refusal("memory://folder").code == "location-not-a-file"
    memory.rm("/folder", recursive=True)


def archive_with(path, change=lambda data: data, **options):
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a.nc", CONTENT, **options)
        opened.mkdir("folder")
    path.write_bytes(change(path.read_bytes()))
    return f"zip://a.nc::{path}"


def test_archives_that_cannot_be_read(tmp_path) -> None:
    path = tmp_path / "a.zip"
    archive_with(path)
    assert refusal(f"zip://b.nc::{path}").code == "archive-member-missing"
    assert refusal(f"zip://folder/::{path}").code == "archive-member-refused"
    url = archive_with(path, change=lambda data: data[:-30])
    assert refusal(url).code == "archive-damaged"
    url = archive_with(path, change=lambda data: b"XX" + data[2:])
    assert refusal(url).code == "archive-damaged"
    flip = lambda data: data[:60] + bytes(200) + data[260:]  # noqa: E731
    url = archive_with(path, change=flip, compress_type=zipfile.ZIP_DEFLATED)
    assert refusal(url).code == "archive-damaged"


def test_an_encrypted_member(tmp_path) -> None:
    path = tmp_path / "a.zip"

    def encrypt(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02")
        return data[: at + 8] + b"\x01" + data[at + 9 :]

    assert refusal(archive_with(path, change=encrypt)).code == "archive-member-refused"


TIME = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
NANOSECONDS = 1_714_979_289_123_456_000


@pytest.mark.parametrize(
    "info",
    [
        {"LastModified": TIME},
        {"last_modified": TIME.astimezone(timezone(timedelta(hours=5)))},
        {"created": TIME.replace(tzinfo=None)},
        {"updated": "2024-05-06T07:08:09.123456Z"},
        {"mtime": TIME.timestamp()},
    ],
)
def test_modification_times_in_every_spelling(info) -> None:
    assert modified_ns(info) == NANOSECONDS


def test_modification_times_of_the_web() -> None:
    found = modified_ns({"Last-Modified": "Mon, 06 May 2024 07:08:09 GMT"})
    assert found == NANOSECONDS // 10**9 * 10**9
    assert modified_ns({"mtime": "yesterday", "size": 3}) is None


def test_the_innermost_reason_is_told() -> None:
    outer = FileNotFoundError("https://h/a")
    outer.__cause__ = ConnectionResetError("peer closed https://me:pw@h/a")
    problem = problem_of_failure("https://h/a", outer)
    assert problem.what == "it cannot be read: ConnectionResetError: peer closed https://h/a"
