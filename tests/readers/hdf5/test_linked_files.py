"""Links into other files show what h5py shows there, and never anything of the linking file."""

from __future__ import annotations

from pathlib import Path

import fsspec
import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

import zarrchive
from zarrchive.errors import FormatError
from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5 import HDF5Reader
from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5.judge import judge
from zarrchive.testing.sources import MemorySource, web_server


@pytest.fixture
def other(sample):
    """A second file in the same folder."""
    return sample.path.with_name("other.h5")


def test_values_are_those_of_the_other_file(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["x"] = np.arange(101, 109)
        file.create_dataset("g/c", data=np.arange(20.0), chunks=(7,), compression="gzip")
        file["g/c"].attrs["units"] = "m"
    with sample.writing() as file:
        file["x"] = np.arange(1, 9)
        file["y"] = h5py.ExternalLink("other.h5", "/x")
        file["relative"] = h5py.ExternalLink("other.h5", "g/c")
        file["soft"] = h5py.SoftLink("/y")
        file["group"] = h5py.ExternalLink("other.h5", "/g")
        file["through"] = h5py.SoftLink("/group/c")
    group = sample.checked()
    assert group.all_problems() == ()
    assert list(group.arrays) == ["relative", "soft", "through", "x", "y"]
    assert list(group.groups["group"].arrays) == ["c"]
    assert values_of(group.arrays["y"]).tolist() == list(range(101, 109))
    for one in ("relative", "through"):
        array = group.arrays[one]
        assert [file.url for file in array.manifest.files] == [str(other)]
        assert array.attributes == {"units": "m"}


def test_dimensions_are_those_of_the_other_file(sample, other) -> None:
    with h5py.File(other, "w") as file:
        for name, size in (("time", 3), ("lat", 4)):
            file[name] = np.arange(size) + 10.0
            file[name].make_scale(name)
        file["t"] = np.arange(12.0).reshape(3, 4)
        for axis, name in enumerate(("time", "lat")):
            file["t"].dims[axis].attach_scale(file[name])
    with sample.writing() as file:
        file["own"] = np.arange(5)
        for name in ("t", "time", "lat"):
            file[name] = h5py.ExternalLink("other.h5", name)
    with zarrchive.open_virtual_dataset(sample.path) as virtual, xr.open_dataset(other) as expected:
        found = virtual.virtual.open().load()
        assert found.own.values.tolist() == list(range(5))
        xr.testing.assert_identical(found.drop_vars("own").drop_attrs(), expected.load())


def test_dimensions_that_only_the_other_file_explains(sample, other) -> None:
    with netCDF4.Dataset(other, "w") as file:
        file.createDimension("x", 3)
        file.createDimension("y", 4)
        file.createVariable("x", "f4", ("x", "y"))[:] = 1
    with sample.writing() as file:
        file["v"] = h5py.ExternalLink("other.h5", "/x")
    group = sample.checked()
    assert group.arrays["v"].shape == (3, 4)
    (problem,) = group.all_problems()
    assert (problem.variable, problem.code) == ("/v", "hdf5-linked-dimensions")


def test_detector_files(sample) -> None:
    """A master file whose data are in files of unlike length, as detectors write them."""
    for number, frames in enumerate((4, 4, 2)):
        with h5py.File(sample.path.with_name(f"run_data_{number:06d}.h5"), "w") as file:
            values = np.arange(frames * 12, dtype="u2").reshape(frames, 3, 4) + 100 * number
            file.create_dataset("entry/data/data", data=values, chunks=(1, 3, 4))
    with sample.writing() as file:
        for number in range(3):
            link = h5py.ExternalLink(f"run_data_{number:06d}.h5", "/entry/data/data")
            file[f"entry/data/data_{number:06d}"] = link
    data = sample.checked().groups["entry"].groups["data"]
    assert [one.shape for one in data.arrays.values()] == [(4, 3, 4), (4, 3, 4), (2, 3, 4)]
    assert [one.manifest.nrefs for one in data.arrays.values()] == [4, 4, 2]
    tree = zarrchive.open_virtual_datatree(sample.path).virtual.open()
    assert int(tree["entry/data/data_000002"][1, 2, 3]) == 223


def test_master_files_combine_and_are_written(tmp_path) -> None:
    for run in range(3):
        with h5py.File(tmp_path / f"data{run}.h5", "w") as file:
            values = np.arange(60).reshape(4, 3, 5) + 100 * run
            file.create_dataset("data", data=values, chunks=(1, 3, 5), compression="gzip")
        with h5py.File(tmp_path / f"master{run}.h5", "w") as file:
            file["entry/data"] = h5py.ExternalLink(f"data{run}.h5", "/data")
    masters = [tmp_path / f"master{run}.h5" for run in range(3)]
    joined = zarrchive.open_virtual_mfdataset(
        masters, group="entry", concat_dim="run", combine="nested"
    )
    out = tmp_path / "out.json"
    joined.virtual.to_kerchunk(out)
    system = fsspec.filesystem("reference", fo=str(out), remote_protocol="file", asynchronous=True)
    store = zarr.storage.FsspecStore(system, read_only=True)
    found = zarr.open_group(store, mode="r", zarr_format=2)["data"][...]
    expected = np.arange(60).reshape(4, 3, 5) + 100 * np.arange(3)[:, None, None, None]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("file", "target", "words"),
    [
        ("missing.h5", "/x", "missing.h5"),
        ("other.h5", "/missing", "no such object"),
        ("other.h5", "/x/deeper", "no such object"),
        ("../other.h5", "/x", "outside of its folder"),
        ("/etc/passwd", "/x", "outside of its folder"),
        ("text.txt", "/x", "text.txt"),
        (".", "/x", "folder"),
        ("other.h5", "/dangling", "no such object"),
        ("other.h5", "/onward", "nowhere.h5"),
    ],
)
def test_links_that_lead_nowhere(sample, other, file, target, words) -> None:
    with h5py.File(other, "w") as made:
        made["x"] = [101]
        made["dangling"] = h5py.SoftLink("/nothing")
        made["onward"] = h5py.ExternalLink("nowhere.h5", "/x")
    other.with_name("text.txt").write_text("no HDF5 at all")
    with sample.writing() as made:
        made["x"] = [1]
        made["y"] = h5py.ExternalLink(file, target)
        made["z"] = h5py.SoftLink("/y")
    group = sample.read()
    assert list(group.arrays) == ["x"]
    problems = group.all_problems()
    assert {one.variable: one.code for one in problems} == {
        "/y": "hdf5-link-external",
        "/z": "hdf5-link-external",
    }
    assert all(words in one.what for one in problems)


def test_files_that_lead_back(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["g/x"] = [101]
        file["g/back"] = h5py.ExternalLink("file.h5", "/")
    with sample.writing() as file:
        file["x"] = [1]
        file["there"] = h5py.ExternalLink("other.h5", "/g")
        file["self"] = h5py.ExternalLink("file.h5", "/")
        file["same"] = h5py.ExternalLink("file.h5", "/x")
    group = sample.read()
    assert list(group.arrays) == ["same", "x"]
    assert values_of(group.arrays["same"]).tolist() == [1]
    assert list(group.groups) == ["there"]
    assert {(one.where, one.variable): one.code for one in group.all_problems()} == {
        (str(sample.path), "/self"): "hdf5-link-cycle",
        (str(sample.path), "/there/back"): "hdf5-link-cycle",
    }


def test_groups_can_be_chosen(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["g/h/x"] = [101]
        file["g/h/bad"] = h5py.Empty("f4")
    with sample.writing() as file:
        file["a/there"] = h5py.ExternalLink("other.h5", "/g")
        file["a/missing"] = h5py.ExternalLink("none.h5", "/g")
    for path in ("a/there/h", "/a/there/h/"):
        group = sample.read(group=path)
        assert list(group.arrays) == ["x"]
        assert [one.variable for one in group.problems] == ["/a/there/h/bad"]
    assert list(sample.read(group="a/there").groups) == ["h"]
    for path in ("a/there/x", "a/there/h/x", "a/missing"):
        with pytest.raises(FormatError) as caught:
            sample.read(group=path)
        assert caught.value.problem.code == "hdf5-no-group"


@pytest.mark.parametrize("n_groups", [30, 150])
def test_references_into_what_was_read_as_others(sample, other, n_groups) -> None:
    with h5py.File(other, "w") as file:
        for number in range(n_groups):
            file[f"g/s{number:03d}/x"] = np.arange(5) + number
        file.create_dataset("refs", data=[file["g/s007/x"].ref], dtype=h5py.ref_dtype)
    with sample.writing() as file:
        file["a"] = h5py.ExternalLink("other.h5", "/g")
        file["b"] = h5py.ExternalLink("other.h5", "/refs")
    group = sample.checked()
    assert len(group.groups["a"].groups) == n_groups
    (problem,) = group.all_problems()
    assert (problem.variable, problem.code) == ("/b", "hdf5-type")


def test_names_that_are_no_text(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file.create_group(b"gr\xff")["x"] = np.arange(3)
        file[b"x\xff"] = np.arange(4)
    with sample.writing() as file:
        for name, target in ((b"group", b"/gr\xff"), (b"dataset", b"/x\xff")):
            file.id.links.create_external(name, b"other.h5", target)
        file.id.links.create_external(b"missing", b"n\xff.h5", b"/x")
    group = sample.read()
    assert values_of(group.arrays["dataset"]).tolist() == [0, 1, 2, 3]
    problems = {one.variable: one.what for one in group.all_problems()}
    assert sorted(problems) == ["/group", "/missing"]
    assert "not UTF-8" in problems["/group"]
    assert all(text.encode() for text in problems.values())  # they can be printed


def test_maze_of_files_ends(sample) -> None:
    for number in range(14):
        with h5py.File(sample.path.with_name(f"{number}.h5"), "w") as file:
            for name in ("left", "right"):
                file[name] = h5py.ExternalLink(f"{number + 1}.h5", "/")
    with sample.writing() as file:
        file["in"] = h5py.ExternalLink("0.h5", "/")
    group = sample.read()
    assert sum(1 for _ in group.walk()) <= 1002
    assert "hdf5-link-repeated" in {one.code for one in group.all_problems()}


def test_chain_of_files_ends(sample) -> None:
    for number in range(20):
        with h5py.File(sample.path.with_name(f"{number}.h5"), "w") as file:
            file["x"] = h5py.ExternalLink(f"{number + 1}.h5", "/x")
    with h5py.File(sample.path.with_name("20.h5"), "w") as file:
        file["x"] = [20]
    with sample.writing() as file:
        for number in (0, 10):
            file[f"from {number}"] = h5py.ExternalLink(f"{number}.h5", "/x")
    group = sample.checked()
    assert list(group.arrays) == ["from 10"]
    (problem,) = group.all_problems()
    assert (problem.code, problem.variable) == ("hdf5-link-external", "/from 0")


def test_what_is_wrong_there_names_the_other_file(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["bad"] = h5py.Empty("f4")
        file["g/bad"] = h5py.Empty("f4")
    with sample.writing() as file:
        file["y"] = h5py.ExternalLink("other.h5", "/bad")
        file["z"] = h5py.ExternalLink("other.h5", "/g")
    first, second = sorted(sample.read().all_problems(), key=lambda one: one.variable)
    assert (first.where, first.variable) == (str(sample.path), "/y")
    assert (second.where, second.variable) == (str(sample.path), "/z/bad")
    assert f"(it is in {other})" in first.what
    assert f"(it is /g/bad in {other})" in second.what


def test_values_that_are_wanted(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["t"] = np.arange(4.0)
        file["s"] = ["a", "bc"]
    with sample.writing() as file:
        file["x"] = h5py.ExternalLink("other.h5", "/t")
        file["texts"] = h5py.ExternalLink("other.h5", "/s")
    group = read_group(sample.path, inline=frozenset({"x"}))
    assert group.arrays["x"].manifest.files == ()
    assert values_of(group.arrays["x"]).tolist() == [0, 1, 2, 3]
    assert values_of(group.arrays["texts"]).tolist() == ["a", "bc"]


def test_remote_files(sample, other) -> None:
    with h5py.File(other, "w") as file:
        file["x"] = [101, 102]
    with sample.writing() as file:
        file["y"] = h5py.ExternalLink("other.h5", "/x")
    files = {f"run/{path.name}": path.read_bytes() for path in (sample.path, other)}
    with web_server(files) as server:
        array = read_group(f"{server.url}run/file.h5").arrays["y"]
        assert [file.url for file in array.manifest.files] == [f"{server.url}run/other.h5"]
        assert values_of(array).tolist() == [101, 102]
    (problem,) = HDF5Reader().read(MemorySource(sample.path.read_bytes())).all_problems()
    assert "cannot be reached" in problem.what


def test_many_remote_files_are_opened_together(sample) -> None:
    names = [f"{number:02d}.h5" for number in range(40)]
    for number, name in enumerate(names):
        with h5py.File(sample.path.with_name(name), "w") as file:
            file["x"] = np.arange(5) + number
    with sample.writing() as file:
        for name in names:
            file[f"g/{name}"] = h5py.ExternalLink(name, "/x")
            file[f"h/{name}"] = h5py.ExternalLink(name, "/x")
    paths = [sample.path, *(sample.path.with_name(name) for name in names)]
    with web_server({path.name: path.read_bytes() for path in paths}) as server:
        server.delay = 0.01
        group = read_group(f"{server.url}file.h5")
        assert server.most_at_once > 4
        assert group.all_problems() == ()
        for one in "gh":
            values = [values_of(array)[0] for array in group.groups[one].arrays.values()]
            assert values == list(range(40))


def test_more_files_than_are_open_at_a_time(sample) -> None:
    for number in range(60):
        with h5py.File(sample.path.with_name(f"{number:02d}.h5"), "w") as file:
            file.create_dataset("x", data=np.arange(6) + number, chunks=(2,))
            file["x"].make_scale("x")
    with sample.writing() as file:
        for number in [*range(60), *reversed(range(60))]:
            group = file.require_group(f"g{number:02d}")
            group[f"x{len(group)}"] = h5py.ExternalLink(f"{number:02d}.h5", "/x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    group = sample.checked()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for number in range(60):
        arrays = group.groups[f"g{number:02d}"].arrays
        assert [values_of(one)[0] for one in arrays.values()] == [number, number]


def test_a_series_whose_files_have_files_of_their_own(tmp_path) -> None:
    for number in range(6):
        with h5py.File(tmp_path / f"data{number}.h5", "w") as file:
            file["x"] = np.arange(5) + number
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["y"] = h5py.ExternalLink(f"data{number}.h5", "/x")
    for number in range(6):
        (array,) = read_group(tmp_path / f"{number}.h5").arrays.values()
        assert values_of(array).tolist() == [number, *range(number + 1, number + 5)]


def test_groups_that_are_alike_but_for_their_files(sample) -> None:
    for number in range(30):
        with h5py.File(sample.path.with_name(f"data{number:02d}.h5"), "w") as file:
            file["x"] = np.arange(5) + number
    with sample.writing() as file:
        for number in range(30):
            group = file.create_group(f"g{number:02d}")
            group["own"] = np.arange(number, number + 3)
            group["y"] = h5py.ExternalLink(f"data{number:02d}.h5", "/x")
    assert len(sample.checked().groups) == 30


NAMES = st.sampled_from(["a", "b", "c"])


@st.composite
def folders(draw):
    """Up to three files with groups, datasets and links of every kind into one another."""
    files = {}
    for name in ("file.h5", "1.h5", "2.h5")[: draw(st.integers(1, 3))]:
        members = []
        for _ in range(draw(st.integers(1, 6))):
            path = "/".join(draw(st.lists(NAMES, min_size=1, max_size=3)))
            kind = draw(st.sampled_from(["dataset", "dataset", "group", "soft", "external"]))
            target = "/" + "/".join(draw(st.lists(NAMES, max_size=3)))
            members.append((path, kind, draw(st.sampled_from(["file.h5", "1.h5", "2.h5"])), target))
        files[name] = members
    return files


@given(files=folders())
def test_folders_of_files_are_as_h5py_shows_them(tmp_path_factory, files) -> None:
    folder = tmp_path_factory.mktemp("linked")
    count = 0
    for name, members in files.items():
        with h5py.File(folder / name, "w") as file:
            for path, kind, other, target in members:
                count += 1
                try:
                    if kind == "dataset":
                        file[path] = np.arange(3) + 10 * count
                    elif kind == "group":
                        file.require_group(path)
                    else:
                        link = (
                            h5py.SoftLink(target)
                            if kind == "soft"
                            else h5py.ExternalLink(other, target)
                        )
                        file[path] = link
                except (ValueError, TypeError, OSError, RuntimeError, KeyError):
                    continue  # the name is taken, or a link on the way leads elsewhere
    path = folder / "file.h5"
    verdict = judge(path, read_group(path))
    assert verdict.findings == [], files
