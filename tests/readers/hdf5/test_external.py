"""External storage refers to the files that hold the bytes, or says why it cannot."""

from __future__ import annotations

import fsspec
import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

import zarrchive
from zarrchive.location import open_source
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import differences_from_h5py
from zarrchive.testing.sources import MemorySource, web_server

_UNLIMITED = h5py.h5f.UNLIMITED


@pytest.fixture
def there(sample, monkeypatch):
    """A folder that is also the working folder, where HDF5 looks for relative names."""
    monkeypatch.chdir(sample.path.parent)
    return sample


def _write(sample, parts, values, **keywords) -> None:
    values = np.asarray(values)
    with sample.writing() as file:
        made = file.create_dataset(
            "x", values.shape, keywords.pop("dtype", values.dtype), external=parts, **keywords
        )
        made[...] = values


def test_one_file_is_one_chunk(there) -> None:
    values = np.arange(24.0).reshape(4, 6)
    _write(there, [("raw.bin", 100, 192)], values)
    array = there.checked().arrays["x"]
    (entry,) = [entry for _, entry in array.manifest.entries()]
    assert (entry.offset, entry.length) == (100, 192)
    with open_source(there.path.with_name("raw.bin")) as source:
        assert array.manifest.files == (source.file,)


def test_several_files_with_offsets(there) -> None:
    values = np.arange(60, dtype=">i4").reshape(10, 6)
    parts = [("b.bin", 8, 48), ("a.bin", 0, 96), ("b.bin", 200, _UNLIMITED)]
    _write(there, parts, values)
    array = there.checked().arrays["x"]
    assert array.chunk_shape == (2, 6)
    assert array.manifest.nrefs == 5
    names = [file.url.rsplit("/")[-1] for file in array.manifest.files]
    assert names == ["a.bin", "b.bin"]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_through_kerchunk_and_fsspec(there, zarr_format) -> None:
    values = np.arange(2000, dtype="<f4").reshape(20, 100)
    _write(there, [("a.bin", 16, 4000), ("b.bin", 0, 4000)], values)
    virtual = zarrchive.open_virtual_dataset(str(there.path))
    virtual.virtual.to_kerchunk("refs.json", zarr_format=zarr_format)
    system = fsspec.filesystem(
        "reference", fo="refs.json", remote_protocol="file", asynchronous=True
    )
    store = zarr.storage.FsspecStore(system, read_only=True)
    opened = zarr.open_group(store, mode="r", zarr_format=zarr_format)
    np.testing.assert_array_equal(opened["x"][...], values)


@pytest.mark.parametrize("fill", [0, 9])
@pytest.mark.parametrize("kept", [0, 30, 48, 100, 239])
def test_what_a_file_has_not_reads_as_zeros(there, kept, fill) -> None:
    values = np.arange(1, 61, dtype="<i4").reshape(10, 6)
    parts = [(f"{number}.bin", 0, 24) for number in range(9)] + [("9.bin", 0, _UNLIMITED)]
    _write(there, parts, values, fillvalue=fill)
    for number in range(10):
        path = there.path.with_name(f"{number}.bin")
        path.write_bytes(path.read_bytes()[: max(0, kept - 24 * number)])
    array = there.checked().arrays["x"]
    assert array.chunk_shape == (1, 6)
    assert array.manifest.nrefs == kept // 24
    beyond = 10 - -(-kept // 24)
    assert array.manifest.ninlined == (kept % 24 > 0) + (beyond if fill else 0)


def test_large_file_that_is_too_short(there) -> None:
    values = np.arange(400_000.0).reshape(400, 1000)
    _write(there, [("raw.bin", 0, _UNLIMITED)], values)
    path = there.path.with_name("raw.bin")
    path.write_bytes(path.read_bytes()[: 8000 * 300 + 40])
    array = there.checked().arrays["x"]
    assert array.chunk_shape == (100, 1000)
    assert (array.manifest.nrefs, array.manifest.ninlined) == (3, 1)


def test_parts_that_cut_elements_are_held(there) -> None:
    _write(there, [("a.bin", 3, 13), ("b.bin", 0, 100)], np.arange(12.0))
    assert there.checked().arrays["x"].manifest.ninlined == 1


def test_many_parts_that_cut_elements_are_a_problem(there) -> None:
    _write(there, [("a.bin", 0, 4), ("b.bin", 0, 4_000_000)], np.arange(200_000.0))
    (problem,) = there.read().all_problems()
    assert (problem.code, problem.variable) == ("hdf5-external-storage", "/x")
    assert "begin at bytes [0, 4]" in problem.what
    assert there.checked(inline=frozenset({"x"})).arrays["x"].manifest.ninlined == 1


@pytest.mark.parametrize("shape", [(), (3,)])
def test_types_that_are_converted_and_scalars_are_held(there, shape) -> None:
    dtype = np.dtype([("a", ">i4"), ("b", "<f8")])
    values = np.full(shape, 7).astype(dtype)
    _write(there, [("a.bin", 0, _UNLIMITED)], values)
    assert there.checked().arrays["x"].manifest.ninlined == 1


def test_nothing(there) -> None:
    with there.writing() as file:
        file.create_dataset("x", (0, 3), "i4", external=[("a.bin", 0, _UNLIMITED)])
    assert there.checked().arrays["x"].shape == (0, 3)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.bin", "no such file"),
        ("../secret.bin", "outside of its folder"),
        ("link.bin", "outside of its folder"),
        ("ABSOLUTE", "outside of its folder"),
        ("sub", "a folder"),
    ],
)
def test_files_that_are_not_followed(tmp_path, name, words, asked) -> None:
    folder = tmp_path / "run"
    (folder / "sub").mkdir(parents=True)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(1, 65)))
    (folder / "link.bin").symlink_to(secret)
    name = str(secret) if name == "ABSOLUTE" else name
    with h5py.File(folder / "file.h5", "w") as file:
        file.create_dataset("x", (8,), "i8", external=[(name, 0, 64)])
    group = read_group(folder / "file.h5", inline=frozenset({"x"}) if asked else frozenset())
    (problem,) = group.all_problems()
    assert not group.arrays
    assert (problem.code, problem.variable) == ("hdf5-external-storage", "/x")
    assert words in problem.what


def test_absolute_name_in_the_folder(sample) -> None:
    _write(sample, [(str(sample.path.with_name("a.bin")), 0, 64)], np.arange(8))
    assert sample.checked().arrays["x"].manifest.nrefs == 1


def test_remote_files(sample, monkeypatch) -> None:
    monkeypatch.chdir(sample.path.parent)
    _write(sample, [("a b.bin", 8, 64)], np.arange(8))
    names = ("file.h5", "a b.bin")
    files = {f"run/{name}": sample.path.with_name(name).read_bytes() for name in names}
    with web_server(files) as server:
        array = read_group(f"{server.url}run/file.h5").arrays["x"]
        assert [file.url for file in array.manifest.files] == [f"{server.url}run/a%20b.bin"]
        assert values_of(array).tolist() == list(range(8))
    (problem,) = HDF5Reader().read(MemorySource(sample.path.read_bytes())).all_problems()
    assert "cannot be reached" in problem.what


def test_source_of_a_virtual_dataset(there) -> None:
    _write(there, [("a.bin", 0, 64)], np.arange(8))
    with h5py.File(there.path, "a") as file:
        layout = h5py.VirtualLayout((2, 8), "i8")
        layout[1] = h5py.VirtualSource(".", "x", (8,))
        file.create_virtual_dataset("v", layout, fillvalue=-1)
    group = there.checked()
    assert group.arrays["v"].manifest.files == group.arrays["x"].manifest.files
    assert group.arrays["v"].manifest.nrefs == 1


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    sizes=st.lists(st.integers(1, 40), max_size=4),
    kept=st.lists(st.integers(0, 300), min_size=5, max_size=5),
    fill=st.sampled_from([0, 3]),
    data=st.data(),
)
def test_values_equal_h5py_however_they_are_cut(
    tmp_path_factory, shape, sizes, kept, fill, data
) -> None:
    folder = tmp_path_factory.mktemp("external")
    unit = data.draw(st.sampled_from([1, 4, 4 * shape[-1]]))
    parts = [(str(folder / f"{n}.bin"), n, size * unit) for n, size in enumerate(sizes)]
    parts.append((str(folder / "last.bin"), 5, _UNLIMITED))
    with h5py.File(folder / "file.h5", "w") as file:
        made = file.create_dataset("x", shape, "<i4", external=parts, fillvalue=fill)
        made[...] = np.arange(1, 1 + made.size).reshape(shape)
    for (name, _, _), size in zip(parts, kept, strict=False):
        path = folder / name
        path.write_bytes(path.read_bytes()[:size] if path.exists() else b"")
    group = read_group(folder / "file.h5")
    assert group.all_problems() == ()
    assert differences_from_h5py(folder / "file.h5", group) == []
