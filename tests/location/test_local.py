"""Local sources: ranges are slices of the file, and everything else is refused quickly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zarrchive.errors import LocationError, StaleSourceError
from zarrchive.location import ByteRange, Source, get_range, open_source
from zarrchive.location.mapping import mapped

names = (
    st.text(st.characters(blacklist_characters="/\0", codec="utf-8"), min_size=1, max_size=30)
    | st.text(" +#?%{}[]*::@&=~\\'\"<>|$!é\n", min_size=1, max_size=12)
).filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200)


@given(names, st.binary(max_size=300), st.data())
@example("50% of a+b #1?{x}[0]*::.nc", b"data", None)
def test_a_file_of_any_name_gives_its_bytes(name, content, data) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{name}"
        Path(path).write_bytes(content)
        offsets = st.integers(0, len(content))
        pairs = st.tuples(offsets, offsets).map(sorted)
        spans = data.draw(st.lists(pairs)) if data else [[0, 4]]
        with open_source(path) as source:
            assert source.file.url == path
            assert source.local_path == path
            assert source.size == len(content)
            wanted = [ByteRange(a, b - a) for a, b in spans]
            assert source.get_ranges(wanted) == [content[a:b] for a, b in spans]
            logged = [ByteRange(one.offset, one.length) for one in source.requests]
            assert logged == [one for one in wanted if one.length]


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "a.nc"
    path.write_bytes(bytes(range(256)))
    return path


def test_identity_is_that_of_the_file(path) -> None:
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    with open_source(path) as source:
        assert isinstance(source, Source)
        assert source.file.size == 256
        assert source.file.mtime_ns == 1_700_000_000_123_456_789


@pytest.mark.parametrize("wanted", [(250, 7), (256, 1), (-1, 2), (0, -1), (10**20, 1)])
def test_a_range_beyond_the_file_is_an_error_with_both_values(path, wanted) -> None:
    with open_source(path) as source, pytest.raises(LocationError) as caught:
        source.get_ranges([ByteRange(0, 1), ByteRange(*wanted)])
    assert caught.value.problem.code == "source-short-read"
    assert "256 bytes" in caught.value.problem.what


def refused(path) -> str:
    with pytest.raises(LocationError) as caught:
        open_source(path)
    assert caught.value.problem.where == str(path)
    assert caught.value.problem.hint
    return caught.value.problem.code


@pytest.mark.timeout(60)
def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert refused(tmp_path / "fifo") == "location-not-a-file"


@pytest.mark.timeout(60)
def test_a_fifo_put_in_place_of_the_file_does_not_block(path, monkeypatch) -> None:
    status = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr("zarrchive.location.local.os.stat", lambda _: status)
    assert refused(path) == "location-not-a-file"


def test_folders_devices_and_sockets_are_refused(tmp_path, monkeypatch) -> None:
    assert refused(tmp_path) == "location-not-a-file"
    assert refused("/dev/null") == "location-not-a-file"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert refused(tmp_path / "socket") == "location-not-a-file"


def test_missing_files_name_the_last_folder_that_exists(path) -> None:
    missing = path.parent / "no" / "such" / "file"
    assert refused(missing) == "location-missing"
    with pytest.raises(LocationError, match=f"exists is {path.parent}"):
        open_source(missing)
    assert refused(path / "below-a-file") == "location-missing"
    assert refused(f"{path}\0x") == "location-missing"
    assert refused(path.parent / ("x" * 300)) == "location-unreadable"


def test_a_loop_of_links_is_refused(tmp_path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop") == "location-unreadable"


@pytest.mark.parametrize("call", ["stat", "open"])
def test_no_permission(path, monkeypatch, call) -> None:
    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(f"zarrchive.location.local.os.{call}", deny)
    assert refused(path) == "location-permission"


def test_a_file_that_changes_while_it_is_open(path) -> None:
    with open_source(path) as source:
        get_range(source, 0, 4)
        os.utime(path, ns=(0, 1))
        with pytest.raises(StaleSourceError, match="modification time"):
            get_range(source, 0, 4)


def test_a_file_that_is_not_the_one_that_was_scanned(path) -> None:
    with open_source(path) as source:
        seen = source.file
    with open_source(seen) as source:
        assert source.file == seen
    path.write_bytes(b"shorter")
    with pytest.raises(StaleSourceError, match="size 256 when it was scanned, 7 now"):
        open_source(seen)


def test_reading_after_close(path) -> None:
    source = open_source(path)
    source.close()
    source.close()
    with pytest.raises(LocationError, match="source-closed"):
        get_range(source, 0, 1)


def test_threads_may_read_at_once(path) -> None:
    content = path.read_bytes()
    read_by_all = []

    def read() -> None:
        parts = [get_range(source, at, 4) for at in range(0, 256, 4)]
        read_by_all.append(b"".join(parts))

    with open_source(path) as source:
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_by_all == [content] * 8
        assert len(source.requests) == 8 * 64


def test_a_large_range_is_read_in_several_steps(path, monkeypatch) -> None:
    monkeypatch.setattr("zarrchive.location.local._LARGEST_READ", 100)
    with open_source(path) as source:
        assert get_range(source, 0, 256) == path.read_bytes()


@given(st.binary(min_size=1, max_size=200), st.data())
def test_many_places_at_once(tmp_path_factory, content, data) -> None:
    path = tmp_path_factory.mktemp("places") / "file"
    path.write_bytes(content)
    length = data.draw(st.integers(1, len(content)))
    places = data.draw(st.lists(st.integers(0, len(content) - length), min_size=1))
    sizes = data.draw(st.lists(st.integers(0, 5)).filter(lambda n: sum(n) <= len(content)))
    start = data.draw(st.integers(0, len(content) - sum(sizes)))
    with open_source(str(path)) as source:
        mapping = mapped(source)
        expected = b"".join(content[at : at + length] for at in places)
        buffer = bytearray(length * len(places))
        mapping.read_scattered(memoryview(buffer), places, length)
        assert buffer == expected
        buffers = [bytearray(n) for n in sizes]
        mapping.read_into([*map(memoryview, buffers)], start)
        assert b"".join(buffers) == content[start : start + sum(sizes)]
        assert mapping.data[:] == content


def test_places_beyond_the_file_are_errors(path) -> None:
    with open_source(path) as source:
        mapping = mapped(source)
        for read in (
            lambda: mapping.read_scattered(memoryview(bytearray(4)), [0, source.size - 1], 2),
            lambda: mapping.read_into([memoryview(bytearray(source.size + 1))], 0),
        ):
            with pytest.raises(LocationError) as caught:
                read()
            assert caught.value.problems[0].code == "source-short-read"


def test_less_than_there_is_at_once(path, monkeypatch) -> None:
    content = Path(path).read_bytes()
    monkeypatch.setattr(os, "preadv", lambda *_: 1)
    with open_source(path) as source:
        buffers = [bytearray(2), bytearray(3)]
        mapping = mapped(source)
        mapping.read_into([*map(memoryview, buffers)], 1)
        assert b"".join(buffers) == content[1:6]
        mapping.read_scattered(memoryview(buffers[1]), [2], 3)
    assert buffers[1] == content[2:5]


def test_importing_the_package_imports_no_file_system_library() -> None:
    code = "import sys, zarrchive.location; print({'fsspec', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
