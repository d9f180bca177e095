"""What every reader must do; the test suite of a plug-in subclasses `ReaderConformance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from zarrchive.errors import LocationError, ZarrchiveError
from zarrchive.location import open_source
from zarrchive.manifests.chunk_manifest import ChunkEntry
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_source
from zarrchive.readers.protocol import Match, Reader
from zarrchive.testing.sources import CountingSource, FailingSource, MemorySource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["ReaderConformance", "arrays_of"]


class ReaderConformance:
    """Subclass it, and define the fixtures `reader` and `sample`."""

    most_requests: ClassVar[int] = 32
    """Batches of ranges that mapping the sample may take when it is not local."""

    @pytest.fixture
    def reader(self) -> Reader:
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> tuple[bytes, Mapping[str, np.ndarray[Any, Any]]]:
        """A file, and the values that another library reads from it, by absolute path."""
        raise NotImplementedError

    @pytest.fixture
    def sample_path(self, sample, tmp_path) -> Path:
        path: Path = tmp_path / "misleading name.txt"
        path.write_bytes(sample[0])
        return path

    def test_is_a_reader(self, reader) -> None:
        assert isinstance(reader, Reader)
        assert reader.name
        assert reader.formats

    def test_claims_its_own_files_whatever_their_name(self, reader, sample) -> None:
        assert reader.match(sample[0][:4096], "/data/misleading name.txt") is Match.YES

    @pytest.mark.parametrize(
        "head",
        [b"\0" * 4096, b"\xff" * 4096, b"<!DOCTYPE html><html></html>", b"x"],
        ids=["zeros", "ones", "html", "one byte"],
    )
    def test_declines_other_bytes(self, reader, head) -> None:
        assert reader.match(head, "/data/no-suffix") is Match.NO

    def test_values_match_reference(self, reader, sample, sample_path) -> None:
        arrays = arrays_of(_read(reader, sample_path))
        assert set(arrays) == set(sample[1])
        for path, expected in sample[1].items():
            np.testing.assert_array_equal(values_of(arrays[path]), expected, err_msg=path)

    def test_inlined_values_match_reference(self, reader, sample, sample_path) -> None:
        names = frozenset(path.rpartition("/")[2] for path in sample[1])
        arrays = arrays_of(_read(reader, sample_path, inline=names))
        assert set(arrays) == set(sample[1])
        for path, expected in sample[1].items():
            assert arrays[path].manifest.nrefs == 0, f"{path} is not inlined"
            np.testing.assert_array_equal(values_of(arrays[path]), expected, err_msg=path)

    def test_each_group_can_be_the_root(self, reader, sample_path) -> None:
        whole = _read(reader, sample_path)
        for path, group in whole.walk():
            part = _read(reader, sample_path, group=path)
            assert set(part.arrays) == set(group.arrays)
            assert set(part.groups) == set(group.groups)

    def test_references_lie_within_the_file(self, reader, sample, sample_path) -> None:
        for array in arrays_of(_read(reader, sample_path)).values():
            assert all(file.size == len(sample[0]) for file in array.manifest.files)
            for _, entry in array.manifest.entries():
                if isinstance(entry, ChunkEntry):
                    assert entry.url == str(sample_path)
                    assert entry.offset + entry.length <= len(sample[0])

    def test_needs_no_path_and_few_requests(self, reader, sample, sample_path) -> None:
        local = arrays_of(_read(reader, sample_path))
        source = CountingSource(MemorySource(sample[0]))
        remote = arrays_of(read_source(source, reader=reader))
        assert {path: array.metadata for path, array in remote.items()} == {
            path: array.metadata for path, array in local.items()
        }
        assert 0 < source.batches <= self.most_requests

    def test_a_failing_source_is_the_error(self, reader, sample) -> None:
        source = FailingSource(MemorySource(sample[0]))
        with pytest.raises(LocationError, match="test-failure"):
            read_source(source, reader=reader)

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
    def test_a_truncated_file_gives_a_problem_or_what_is_left(
        self, reader, sample, tmp_path, kept
    ) -> None:
        path = tmp_path / "truncated"
        path.write_bytes(sample[0][: max(1, int(len(sample[0]) * kept))])
        left: set[str] = set()
        where = str(path)
        try:
            left = set(arrays_of(_read(reader, path)))
        except ZarrchiveError as error:
            where = error.problem.where
        assert where == str(path)
        assert left <= set(sample[1])

    def test_problems_name_the_file(self, reader, sample_path) -> None:
        for problem in _read(reader, sample_path).all_problems():
            assert problem.where == str(sample_path)
            assert problem.hint


def arrays_of(group: ManifestGroup) -> dict[str, ManifestArray]:
    """Return every array of a hierarchy by its absolute path."""
    return {
        f"{path.rstrip('/')}/{name}": array
        for path, below in group.walk()
        for name, array in below.arrays.items()
    }


def _read(reader: Reader, path: Path, **options: Any) -> ManifestGroup:
    with open_source(path) as source:
        return read_source(source, reader=reader, **options)
