"""The file object gives the bytes of the source, in few requests."""

from __future__ import annotations

import gc
import io
import threading
from functools import cache

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import LocationError
from zarrchive.location.file_object import SourceFileObject
from zarrchive.testing.sources import CountingSource, FailingSource, MemorySource

steps = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 200)),
    st.tuples(st.just("seek"), st.integers(0, 400)),
    st.tuples(st.just("back"), st.integers(0, 400)),
    st.tuples(st.just("readinto"), st.integers(0, 100)),
)


@given(st.binary(max_size=300), st.lists(steps), st.integers(1, 40))
def test_it_behaves_like_a_file(content, todo, block) -> None:
    model = io.BytesIO(content)
    source = CountingSource(MemorySource(content))
    with SourceFileObject(source, block=block) as file:
        assert file.readable()
        assert file.seekable()
        for step, number in todo:
            if step == "read":
                assert file.read(number) == model.read(number)
            elif step == "readinto":
                ours, theirs = bytearray(number), bytearray(number)
                assert file.readinto(ours) == model.readinto(theirs)
                assert ours == theirs
            elif step == "seek":
                assert file.seek(number) == model.seek(number)
            else:
                back = min(number, len(content))
                assert file.seek(-back, io.SEEK_END) == model.seek(-back, io.SEEK_END)
            assert file.tell() == model.tell()
    for one in source.ranges:
        assert one.offset % block == 0


def test_a_small_file_takes_one_request() -> None:
    source = CountingSource(MemorySource(bytes(100_000)))
    file = SourceFileObject(source)
    for at in range(0, 100_000, 1000):
        file.seek(at)
        file.read(10)
    assert source.batches == 1
    assert source.bytes_read == 100_000


def test_sequential_reading_fetches_ever_more() -> None:
    size = 64 * 2**20
    source = CountingSource(MemorySource(bytes(size)))
    file = SourceFileObject(source)
    while file.read(2**16):
        pass
    assert source.batches < 25
    assert source.bytes_read == size


def test_scattered_reading_fetches_no_more_than_needed() -> None:
    source = CountingSource(MemorySource(bytes(64 * 2**20)))
    file = SourceFileObject(source)
    for at in range(60, 0, -4):
        file.seek(at * 2**20)
        file.read(100)
    assert source.bytes_read == source.batches * 2**18


def test_old_blocks_are_dropped(monkeypatch) -> None:
    monkeypatch.setattr("zarrchive.location.file_object._KEPT", 2**20)
    source = CountingSource(MemorySource(bytes(8 * 2**20)))
    file = SourceFileObject(source)
    assert len(file.readall()) == 8 * 2**20
    assert len(file._blocks) * 2**18 <= 2**20


@cache
def sample_file(datasets: int) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        for number in range(datasets):
            file.create_dataset(f"v{number}", data=np.full(10, number))
    return buffer.getvalue()


def test_h5py_reads_through_it_in_few_requests() -> None:
    source = CountingSource(MemorySource(sample_file(200)))
    with h5py.File(SourceFileObject(source)) as file:
        assert [int(file[f"v{number}"][3]) for number in range(200)] == list(range(200))
    assert source.batches <= 2


@pytest.mark.parametrize("after", [0, 1])
def test_an_error_of_the_source_reaches_the_caller_of_h5py(after) -> None:
    assert len(sample_file(3000)) > 2 * 2**18
    source = FailingSource(MemorySource(sample_file(3000)), after=after)
    with (
        pytest.raises(LocationError, match="test-failure"),
        h5py.File(SourceFileObject(source)) as file,
    ):
        file.visititems(lambda _, item: None)


class CollectingSource(MemorySource):
    """Fetches on another thread, which allocates enough to start a garbage collection."""

    stuck = False
    file_with_garbage: h5py.File

    def get_ranges(self, ranges):
        cycle = [self.file_with_garbage["v0"].id]
        cycle.append(cycle)
        del cycle
        thread = threading.Thread(target=lambda: [[] for _ in range(200_000)], daemon=True)
        thread.start()
        thread.join(timeout=30)
        self.stuck |= thread.is_alive()
        return super().get_ranges(ranges)


def test_a_collection_in_the_fetching_thread_does_not_lock_up_h5py() -> None:
    data = sample_file(3)
    source = CollectingSource(data)
    with h5py.File(io.BytesIO(data)) as source.file_with_garbage:
        with h5py.File(SourceFileObject(source)) as file:
            assert int(file["v2"][0]) == 2
        assert not source.stuck
    assert gc.isenabled()


def test_misuse() -> None:
    file = SourceFileObject(MemorySource(b"abc"))
    with pytest.raises(OSError, match="before the start"):
        file.seek(-1)
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1)
