"""Each HDF5 datatype is used byte for byte, converted, or refused with its reason."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t

from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.testing.hdf5_files import type_ids, write_low_level


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "code", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
)
def test_numbers_are_referenced(sample, order, code) -> None:
    values = np.arange(2, 14).astype(order + code).reshape(3, 4)
    with sample.writing() as file:
        file["x"] = values
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert array.dtype == values.dtype


def test_nan_payloads_and_signed_zeros_keep_their_bits(sample) -> None:
    bits = np.array([0x7FF8000000000001, 0xFFF80000DEADBEEF, 0x8000000000000000], dtype="u8")
    with sample.writing() as file:
        file["x"] = bits.view("f8")
    got = values_of(sample.checked().arrays["x"])
    assert got.view("u8").tolist() == bits.tolist()


def test_bool_is_bool(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.array([True, False, False])
    assert sample.checked().arrays["x"].dtype == np.dtype(bool)


def test_enum_is_integers_with_flags(sample) -> None:
    dtype = h5py.enum_dtype({"land": 1, "open sea": 2}, basetype=">i2")
    with sample.writing() as file:
        file.create_dataset("x", data=np.array([1, 2, 1]), dtype=dtype)
    array = sample.checked().arrays["x"]
    assert array.dtype == np.dtype(">i2")
    assert array.attributes["flag_values"].tolist() == [1, 2]
    assert array.attributes["flag_meanings"] == "land open_sea"


def test_enum_never_overwrites_flags_of_the_file(sample) -> None:
    dtype = h5py.enum_dtype({"land": 1})
    with sample.writing() as file:
        file.create_dataset("x", data=[1], dtype=dtype).attrs["flag_meanings"] = "mine"
    attributes = sample.checked().arrays["x"].attributes
    assert dict(attributes) == {"flag_meanings": "mine"}


def test_bit_field_is_unsigned(sample) -> None:
    with sample.writing() as file:
        dataset = h5d.create(file.id, b"x", h5t.STD_B16BE, h5s.create_simple((2,)))
        dataset.write(h5s.ALL, h5s.ALL, np.array([1, 65535], ">u2"), h5t.STD_B16BE)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert values_of(array).tolist() == [1, 65535]


def test_opaque_is_raw_bytes(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.array([b"\1\0\0", b"abc"], "V3")
    assert sample.checked().arrays["x"].dtype == np.dtype("V3")


def test_datetimes_of_h5py_are_datetimes(sample) -> None:
    times = np.array(["2020-01-01", "NaT"], "M8[ns]")
    with sample.writing() as file:
        file["x"] = times.astype(h5py.opaque_dtype(times.dtype))
    assert values_of(sample.checked().arrays["x"]).tolist() == times.tolist()


@pytest.mark.parametrize("name", type_ids())
def test_values_that_are_not_their_bytes_are_inlined(sample, name) -> None:
    values = np.array([1, 2, 3, 100], "f4" if name == "bfloat16" else "i4")
    with sample.writing() as file:
        write_low_level(file, "x", type_ids()[name], values)
    array = sample.read().arrays["x"]
    assert (array.manifest.nrefs, array.manifest.ninlined) == (0, 1)
    assert values_of(array).tolist() == values.tolist()


def test_negative_numbers_of_twelve_bits(sample) -> None:
    with sample.writing() as file:
        write_low_level(file, "x", type_ids()["twelve bits"], np.array([-2, 2047], "i4"))
    assert values_of(sample.checked().arrays["x"]).tolist() == [-2, 2047]


def test_large_values_that_are_not_their_bytes_are_refused(sample) -> None:
    with sample.writing() as file:
        write_low_level(file, "x", type_ids()["bfloat16"], np.zeros(2**20, "f4"))
        file["y"] = [1]
    group = sample.checked()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert (problem.code, problem.variable) == ("hdf5-type", "/x")
    assert "8 exponent bits" in problem.what
    wanted = sample.read(inline=frozenset({"x"}))
    assert wanted.arrays["x"].shape == (2**20,)


def test_compound_is_a_struct(sample) -> None:
    dtype = np.dtype([("a", "<i4"), ("b", "<f8"), ("s", "S3"), ("n", [("z", "<c8"), ("q", "?")])])
    values = np.zeros(2, dtype)
    values["a"], values["s"], values["n"]["z"] = [1, 2], [b"x", b"yz"], [1j, 2]
    with sample.writing() as file:
        file["x"] = values
    array = sample.checked().arrays["x"]
    assert array.dtype == dtype
    assert array.manifest.nrefs == 1


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype([("a", ">i4"), ("b", ">f8")]),
        np.dtype([("a", "<i4"), ("b", ">f8")]),
        np.dtype({"names": ["a", "b"], "formats": ["i1", "<i4"], "offsets": [0, 4]}),
        np.dtype([("a", "<i4"), ("n", [("b", ">i2")])]),
    ],
    ids=["big-endian", "mixed endian", "with gaps", "nested big-endian"],
)
def test_compound_that_zarr_would_misread_is_inlined(sample, dtype) -> None:
    values = np.zeros(3, dtype)
    values["a"] = [1, 2, 3]
    with sample.writing() as file:
        file["x"] = values
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 0
    assert values_of(array)["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "dtype",
    [
        [("a", "i4", (3,))],
        [("a", "i4"), ("s", h5py.string_dtype())],
        [("r", h5py.ref_dtype)],
        h5py.ref_dtype,
        h5py.regionref_dtype,
        h5py.vlen_dtype("i4"),
    ],
    ids=[
        "subarray field",
        "string field",
        "reference field",
        "reference",
        "region reference",
        "sequences",
    ],
)
def test_types_that_zarr_has_not_are_refused_by_name(sample, dtype) -> None:
    with sample.writing() as file:
        file.create_dataset("x", (2,), dtype=dtype)
        file["y"] = [1.0]
    group = sample.checked()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert (problem.code, problem.variable, problem.severity) == ("hdf5-type", "/x", "error")


def test_array_type_adds_dimensions(sample) -> None:
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    for chunks in (None, (1,)):
        with sample.writing() as file:
            file.create_dataset("x", (2,), dtype=np.dtype((">i2", (3, 4))), chunks=chunks)
            file["x"][...] = values
        array = sample.checked().arrays["x"]
        assert array.shape == (2, 3, 4)
        assert array.manifest.nrefs == (1 if chunks is None else 2)
        assert len(set(array.metadata.dimension_names)) == 3


def test_vax_float_is_refused() -> None:
    message = bytearray(h5t.IEEE_F32LE.encode()[2:])
    # Version 3 of the datatype message; bits 0 and 6 together mean VAX (§IV.A.2.d).
    message[:2] = 0x31, 0x61
    found = data_type(bytes(message))
    assert found.dtype is None
    assert "VAX" in found.reason.what


def test_time_type_is_refused(sample) -> None:
    with sample.writing() as file:
        h5d.create(file.id, b"x", h5t.UNIX_D32LE, h5s.create_simple((2,)))
    (problem,) = sample.read().all_problems()
    assert "time" in problem.what


@pytest.mark.skipif(not hasattr(h5t, "COMPLEX"), reason="complex numbers came with HDF5 2.0")
@pytest.mark.parametrize("order", ["LE", "BE"])
def test_complex_class_of_hdf5_2(sample, order) -> None:
    with sample.writing() as file:
        tid = getattr(h5t, f"COMPLEX_IEEE_F32{order}")
        dataset = h5d.create(file.id, b"x", tid, h5s.create_simple((2,)))
        values = np.array([1 + 2j, 3], "<c8" if order == "LE" else ">c8")
        dataset.write(h5s.ALL, h5s.ALL, values, tid)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert values_of(array).tolist() == [1 + 2j, 3]


def test_committed_type_is_used_and_is_no_variable(sample) -> None:
    with sample.writing() as file:
        file["kind"] = np.dtype("i2")
        file.create_dataset("x", data=[1, 2], dtype=file["kind"])
    assert list(sample.checked().arrays) == ["x"]
