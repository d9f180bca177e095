"""Attributes of every kind are kept, or named as lost; they never cost the variable."""

from __future__ import annotations

import h5py
import netCDF4
import numpy as np
import pytest
from h5py import h5a, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zarrchive.manifests.attributes import attributes_to_json
from zarrchive.readers.open import read_group


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("text", "text"),
        ("日本", "日本"),
        ("", ""),
        (np.bytes_(b"fixed"), "fixed"),
        (["a", "bb", ""], ["a", "bb", ""]),
        (np.array([b"ab", b"c"]), ["ab", "c"]),
        (["one"], "one"),
        (np.float32(1.5), np.float32(1.5)),
        (np.array([7], "u2"), np.uint16(7)),
        (True, np.True_),
        (1 + 2j, np.complex128(1 + 2j)),
        (h5py.Empty("S1"), ""),
    ],
    ids=str,
)
def test_scalars_and_text(sample, written, expected) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        for holder in (file, file["x"]):
            holder.attrs["a"] = written
    group = sample.read()
    assert group.all_problems() == ()
    for attributes in (group.attributes, group.arrays["x"].attributes):
        assert attributes["a"] == expected
        assert type(attributes["a"]) is type(expected)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("attributes") / "file.h5"


@given(
    values=hnp.arrays(
        st.sampled_from(["i1", ">i2", "u8", "f2", ">f8", "c8", "?"]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    )
)
def test_arrays_keep_values_and_type(path, values) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["a"] = values
    got = read_group(path).attributes["a"]
    assert got.dtype == values.dtype.newbyteorder("=")
    assert np.asarray(got).tobytes() == values.astype(got.dtype).tobytes()


def test_null_dataspace_of_numbers_is_empty(sample) -> None:
    with sample.writing() as file:
        file.attrs["a"] = h5py.Empty("f4")
    assert sample.read().attributes["a"].shape == (0,)


def test_sequence_array_type_and_enum(sample) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        one = np.empty(1, object)
        one[0] = np.array([1, 2, 3], "i4")
        file.attrs.create("sequence", one, dtype=h5py.vlen_dtype("i4"))
        tid = h5t.array_create(h5t.IEEE_F64LE, (3,))
        h5a.create(file.id, b"matrix", tid, h5s.create_simple((2,))).write(np.ones((2, 3)), tid)
        file.attrs.create("enum", 2, dtype=h5py.enum_dtype({"a": 1, "b": 2}))
    group = sample.read()
    assert group.all_problems() == ()
    assert group.attributes["sequence"].tolist() == [1, 2, 3]
    assert group.attributes["matrix"].shape == (2, 3)
    assert group.attributes["enum"] == 2


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_compound_values_keep_their_fields(sample, shape) -> None:
    dtype = np.dtype([("a", "i1"), ("z", ">c16"), ("s", "S3"), ("n", [("b", ">i2")])], align=True)
    values = np.zeros(shape, dtype)
    values["a"], values["z"], values["n"]["b"] = -1, 1 + 2j, 258
    values["s"] = b"ab"
    with sample.writing() as file:
        file.attrs["x"] = values
    group = sample.read()
    assert group.all_problems() == ()
    found = group.attributes["x"]
    assert found.shape == (() if values.size == 1 else shape)
    assert found.tolist() == (values.item() if values.size == 1 else values.tolist())
    assert found.dtype.itemsize == 1 + 16 + 3 + 2
    one = {"a": -1, "z": [1.0, 2.0], "s": "ab", "n": {"b": 258}}
    json = attributes_to_json(group.attributes)["x"]
    assert json == {(): one, (1,): one, (3,): [one] * 3, (2, 2): [[one] * 2] * 2}[shape]


@pytest.mark.parametrize("lists", [[[1], [1, 2]], [[1, 2], [3, 4]], [[], [5]]], ids=str)
def test_several_sequences_are_lists(sample, lists) -> None:
    both = np.empty(2, object)
    for number, values in enumerate(lists):
        both[number] = np.array(values, "i4")
    with sample.writing() as file:
        file.attrs.create("a", both, dtype=h5py.vlen_dtype("i4"))
    group = sample.read()
    assert group.all_problems() == ()
    assert group.attributes["a"].tolist() == lists
    assert attributes_to_json(group.attributes) == {"a": lists}
    assert group == sample.read()


def test_what_cannot_be_kept_is_named_and_costs_nothing_else(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset("x", data=[1, 2, 3, 4])
        made.attrs["reference"] = made.ref
        made.attrs["opaque"] = np.void(b"abc")
        made.attrs["kept"] = "yes"
    group = sample.checked()
    problems = group.all_problems()
    assert dict(group.arrays["x"].attributes) == {"kept": "yes"}
    assert {(p.code, p.variable, p.severity) for p in problems} == {
        ("hdf5-attribute", "/x", "warning")
    }
    opaque, reference = sorted(p.what for p in problems)
    assert "3 opaque bytes (61 62 63)" in opaque
    assert "references to objects" in reference


@pytest.mark.parametrize("shape", [(), (2,)])
def test_text_that_is_not_utf8_is_read_as_latin1_with_a_warning(sample, shape) -> None:
    with sample.writing() as file:
        file["x"] = [1.0]
        file["x"].attrs.create("a", np.full(shape, b"caf\xe9"))
    group = sample.checked()
    (problem,) = group.all_problems()
    assert group.arrays["x"].attributes["a"] == ("café" if not shape else ["café", "café"])
    assert (problem.code, problem.severity) == ("hdf5-text-encoding", "warning")


@pytest.mark.parametrize("padding", [h5t.STR_SPACEPAD, h5t.STR_NULLTERM])
def test_padding_is_cut(sample, padding) -> None:
    tid = h5t.C_S1.copy()
    tid.set_size(6)
    tid.set_strpad(padding)
    raw = b"ab    " if padding == h5t.STR_SPACEPAD else b"ab\0xyz"
    with sample.writing() as file:
        made = h5a.create(file.id, b"a", tid, h5s.create(h5s.SCALAR))
        made.write(np.array(raw, "S6"), tid)
    assert sample.read().attributes["a"] == "ab"


def test_attributes_that_hdf5_and_netcdf_keep_for_themselves_are_hidden(sample) -> None:
    with netCDF4.Dataset(sample.path, "w") as file:
        file.createDimension("t", 3)
        file.createVariable("t", "f8", ("t",)).units = "s"
        file.createVariable("v", "f8", ("t", "t")).units = "m"
    group = sample.read()
    assert dict(group.attributes) == {}
    for array in group.arrays.values():
        assert list(array.attributes) in (["units"], ["_FillValue", "units"])


def test_class_and_name_of_others_are_kept(sample) -> None:
    with sample.writing() as file:
        file["x"] = [1]
        file["x"].attrs["CLASS"] = "IMAGE"
        file.attrs["NAME"] = "mine"
    group = sample.read()
    assert group.arrays["x"].attributes["CLASS"] == "IMAGE"
    assert group.attributes["NAME"] == "mine"


def test_five_hundred_attributes_in_dense_storage(sample) -> None:
    with sample.writing(libver="latest") as file:
        for number in range(500):
            file.attrs[f"a{number}"] = number
    attributes = sample.read().attributes
    assert [attributes[f"a{number}"] for number in range(500)] == list(range(500))
