"""Types that few files have: each with the values that h5py reads, or with a Problem that fits."""

from __future__ import annotations

from struct import pack

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.manifests.values import values_of
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.testing.hdf5_files import write_low_level
from zarrchive.testing.hdf5_types import hdf5_types


def _complex_type(part) -> h5t.TypeID:
    """Return HDF5 2.0's class of complex numbers."""
    head = pack("<BBBBI", 0x5B, 1, 0, 0, 2 * part.get_size())
    return h5t.decode(b"\3\0" + head + part.encode()[2:])


def _bits(size: int, offset: int, precision: int, order: int = 0) -> h5t.TypeID:
    message = pack("<BBBBIHH", 0x14, order, 0, 0, size, offset, precision)
    return h5t.decode(b"\3\0" + message)


def _write_stored(file, name: str, tid, raw: bytes, **plist) -> None:
    """Write stored elements, without any conversion."""
    shape = (len(raw) // tid.get_size(),)
    properties = h5p.create(h5p.DATASET_CREATE)
    if "chunks" in plist:
        properties.set_chunk(plist["chunks"])
    dataset = h5d.create(file.id, name.encode(), tid, h5s.create_simple(shape), properties)
    dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(raw, "u1").copy(), tid)


def test_long_doubles_are_float64_where_that_is_exact(sample) -> None:
    values = np.array([1, 2.5, -0.0, np.inf, np.nan, 1e-300], np.longdouble)
    with sample.writing() as file:
        file["x"] = values
        file["scalar"] = values[1]
        file["f128"] = np.zeros(3)
        write_low_level(file, "quad", h5t.IEEE_F128BE, np.array([1.5, -2]))
    group = sample.read()
    assert group.all_problems() == ()
    for name in ("x", "scalar"):
        found = values_of(group.arrays[name])
        assert found.dtype == np.float64
        with h5py.File(sample.path) as file:
            np.testing.assert_array_equal(found, file[name][()])
    assert np.signbit(values_of(group.arrays["x"])[2])
    assert values_of(group.arrays["quad"]).tolist() == [1.5, -2]


def test_long_doubles_that_float64_does_not_hold_are_a_problem(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.array([1, np.longdouble(1) / 3], np.longdouble)
        file["y"] = [1]
    group = sample.read()
    (problem,) = group.all_problems()
    assert list(group.arrays) == ["y"]
    assert (problem.code, problem.variable) == ("hdf5-type", "/x")
    assert "1 of 2 have more bits" in problem.what
    assert sample.read(inline=frozenset({"x"})).all_problems() == (problem,)


def test_many_long_doubles_are_read_if_asked_for(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.arange(200_000).astype(np.longdouble)
    (problem,) = sample.read().all_problems()
    assert "become float64" in problem.what
    wanted = sample.read(inline=frozenset({"x"})).arrays["x"]
    assert (values_of(wanted) == np.arange(200_000)).all()


@pytest.mark.parametrize("chunks", [{}, {"chunks": (2,)}])
@pytest.mark.parametrize(
    ("size", "offset", "precision", "dtype"),
    [(4, 4, 12, "u4"), (1, 0, 3, "u1"), (3, 0, 24, "u4"), (2, 15, 1, "u2"), (8, 1, 63, "u8")],
)
def test_bit_fields_that_do_not_use_all_bits(
    sample, size, offset, precision, dtype, chunks
) -> None:
    raw = np.random.default_rng(0).bytes(5 * size)
    with sample.writing() as file:
        _write_stored(file, "x", _bits(size, offset, precision), raw, **chunks)
    array = sample.read().arrays["x"]
    with h5py.File(sample.path) as file:
        expected = np.zeros(5, dtype)  # h5py itself has no type to read it as
        memory = getattr(h5t, f"STD_B{8 * expected.itemsize}LE")
        file["x"].id.read(h5s.ALL, h5s.ALL, expected, memory)
    assert array.dtype == expected.dtype
    assert values_of(array).tolist() == expected.tolist()


def test_large_partial_bit_fields_are_a_problem(sample) -> None:
    with sample.writing() as file:
        _write_stored(file, "x", _bits(4, 4, 12), bytes(2**21))
    (problem,) = sample.read().all_problems()
    assert "bit fields of 12 bits at bit 4" in problem.what


def _float(size: int, exponent: int, mantissa: int) -> h5t.TypeFloatID:
    tid = h5t.IEEE_F64LE.copy()
    top = exponent + mantissa
    tid.set_fields(top, mantissa, exponent, 0, mantissa)
    tid.set_precision(top + 1)
    tid.set_size(size)
    tid.set_ebias(2 ** (exponent - 1) - 1)
    return tid


@pytest.mark.parametrize(
    ("tid", "dtype"),
    [
        (_float(2, 8, 7), "f4"),
        (_float(1, 5, 2), "f2"),
        (_float(3, 8, 15), "f4"),
        (_float(4, 8, 10), "f4"),
        (_float(6, 11, 36), "f8"),
    ],
    ids=["bfloat16", "five exponent bits of eight", "24 bits", "19 bits", "48 bits"],
)
def test_floats_of_other_layouts(sample, tid, dtype) -> None:
    values = np.array([0, 1, -2, 0.5, np.inf, 0.25], dtype)
    with sample.writing() as file:
        write_low_level(file, "x", tid, values)
    array = sample.read().arrays["x"]
    with h5py.File(sample.path) as file:
        assert file["x"].dtype == array.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(values_of(array), file["x"][()])


@pytest.mark.skipif(not hasattr(h5t, "COMPLEX"), reason="complex numbers came with HDF5 2.0")
@pytest.mark.parametrize("part", [h5t.IEEE_F16LE, _float(2, 8, 7)], ids=["float16", "bfloat16"])
def test_complex_numbers_of_small_floats(sample, part) -> None:
    values = np.array([1 + 2j, -0.5, 3j], "c8")
    tid = _complex_type(part)
    with sample.writing() as file:
        dataset = h5d.create(file.id, b"x", tid, h5s.create_simple((3,)))
        dataset.write(h5s.ALL, h5s.ALL, values, h5t.COMPLEX_IEEE_F32LE)
    array = sample.read().arrays["x"]
    assert array.dtype == np.complex64
    assert values_of(array).tolist() == values.tolist()


def test_complex_numbers_with_gaps_and_of_long_doubles(sample) -> None:
    gaps = h5t.create(h5t.COMPOUND, 16)
    gaps.insert(b"r", 0, h5t.IEEE_F32LE)
    gaps.insert(b"i", 8, h5t.IEEE_F32LE)
    values = np.array([1 + 2j, 3])
    with sample.writing() as file:
        write_low_level(file, "gaps", gaps, values.astype("c8"))
        file["long"] = values.astype(np.clongdouble)
        file["big"] = values.astype(">c16")
    group = sample.read()
    dtypes = {name: array.dtype for name, array in group.arrays.items()}
    assert dtypes == {"gaps": "c8", "long": "c16", "big": ">c16"}
    with h5py.File(sample.path) as file:
        for name, array in group.arrays.items():
            np.testing.assert_array_equal(values_of(array), file[name][()])


def test_complex_fields(sample) -> None:
    values = np.zeros(2, [("z", "<c16"), ("w", "<c8"), ("f", "<f2")])
    values["z"], values["w"] = [1j, 2], [3, 4j]
    with sample.writing() as file:
        file["x"] = values
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert array.dtype == values.dtype


@pytest.mark.parametrize("tag", ["<i4", ">f8", "S3", "|V5", "<U2", "?", "<M8[25s]", ">m8[us]"])
def test_types_of_numpy_that_h5py_hides_in_opaque_bytes(sample, tag) -> None:
    dtype = np.dtype(tag)
    values = np.frombuffer(bytes(range(1, 1 + 2 * dtype.itemsize)), "u1").copy()
    values = np.zeros(2, dtype) if dtype.kind in "U?" else values.view(dtype)
    tid = h5t.create(h5t.OPAQUE, dtype.itemsize)
    tid.set_tag(f"NUMPY:{dtype.str}".encode())
    with sample.writing() as file:
        _write_stored(file, "x", tid, values.tobytes())
    array = sample.read().arrays["x"]
    with h5py.File(sample.path) as file:
        assert file["x"].dtype == array.dtype == dtype
    assert array.manifest.nrefs == 1
    assert values_of(array).astype(dtype).tobytes() == values.tobytes()


@pytest.mark.parametrize("tag", ["O", "<M8[parsec]", "i4,f4", "<i8", "\xff", "f4" * 40, ""])
def test_tags_of_numpy_that_lie_are_a_problem(sample, tag) -> None:
    tid = h5t.create(h5t.OPAQUE, 4)
    tid.set_tag(b"NUMPY:" + tag.encode("latin-1"))
    with sample.writing() as file:
        _write_stored(file, "x", tid, bytes(8))
    (problem,) = sample.read().all_problems()
    assert "opaque bytes with the tag 'NUMPY:" in problem.what


def test_text_in_compounds_in_every_padding_and_encoding(sample) -> None:
    tid = h5t.create(h5t.COMPOUND, 17)
    for number, padding in enumerate([h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD]):
        text = h5t.C_S1.copy()
        text.set_size(5)
        text.set_strpad(padding)
        text.set_cset(h5t.CSET_UTF8)
        tid.insert(b"abc"[number : number + 1], 5 * number, text)
    tid.insert(b"n", 15, h5t.STD_I16LE)
    raw = b"a\0bc\xc3" + b"a\0bc\xa9" + b"a \0b " + pack("<h", -3)
    with sample.writing() as file:
        _write_stored(file, "x", tid, raw * 2)
        dataset = h5d.create(file.id, b"scalar", tid, h5s.create(h5s.SCALAR))
        dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(raw, "u1").copy().view("V17")[0:1], tid)
    group = sample.checked()
    expected = (b"a", b"a\0bc\xa9", b"a \0b", -3)
    assert values_of(group.arrays["x"]).tolist() == [expected] * 2
    assert values_of(group.arrays["scalar"]).item() == expected


def test_scalar_text_in_utf8(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.array("é".encode(), h5py.string_dtype("utf-8", 6))
        file["latin"] = np.array([b"caf\xe9", b"x"])
    group = sample.checked()
    assert values_of(group.arrays["x"]).item() == "é".encode()
    assert values_of(group.arrays["latin"])[0] == b"caf\xe9"


def test_names_of_values_in_fields_are_attributes(sample) -> None:
    phase = h5py.enum_dtype({"solid": 1, "super fluid": 2}, "i2")
    dtype = np.dtype([("p.q", phase), ("n", [("e", phase)]), ("b", "?")])
    with sample.writing() as file:
        file["x"] = np.zeros(2, dtype)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 1
    assert array.dtype["b"] == np.dtype(bool)
    attributes = dict(array.attributes)
    for field in ("p.q", "n.e"):
        assert attributes.pop(f"{field}.flag_values").tolist() == [1, 2]
        assert attributes.pop(f"{field}.flag_meanings") == "solid super_fluid"
    assert not attributes


@pytest.mark.parametrize("base", ["i1", "u1"])
def test_bool_of_one_byte(sample, base) -> None:
    dtype = h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, base)
    with sample.writing() as file:
        file.create_dataset("x", data=np.array([0, 1, 1], base), dtype=dtype)
    array = sample.checked().arrays["x"]
    assert array.dtype == bool
    assert array.manifest.nrefs == 1


def test_bool_of_more_bytes_stays_integers_with_names(sample) -> None:
    dtype = h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, "i4")
    with sample.writing() as file:
        file.create_dataset("x", data=[0, 1, 1], dtype=dtype)
    array = sample.read().arrays["x"]
    assert values_of(array).tolist() == [0, 1, 1]
    assert array.attributes["flag_meanings"] == "FALSE TRUE"


def test_enumeration_of_partial_integers(sample) -> None:
    twelve = h5t.STD_I16LE.copy()
    twelve.set_precision(12)
    tid = h5t.enum_create(twelve)
    # h5py writes values as 64 bits; HDF5 takes the first two bytes.
    tid.enum_insert(b"low", -5)
    tid.enum_insert(b"high", 100)
    with sample.writing() as file:
        _write_stored(file, "x", tid, np.array([0x0FFB, 100], "<u2").tobytes())
    array = sample.read().arrays["x"]
    assert values_of(array).tolist() == [-5, 100]
    assert array.attributes["flag_values"].tolist() == [-5, 100]
    assert array.attributes["flag_meanings"] == "low high"


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (np.dtype([("a", "i4", (3,))]), "field 'a' holds arrays (3,) of int32"),
        (np.dtype([("s", h5py.string_dtype())]), "field 's' holds text of varying length"),
        (np.dtype([("v", h5py.vlen_dtype("f4"))]), "sequences of varying length of float32"),
        (np.dtype([("n", [("r", h5py.ref_dtype)])]), "field 'n' holds compounds (r)"),
        (h5py.vlen_dtype(np.dtype([("a", "u1")])), "sequences of varying length of compounds (a)"),
        (h5py.vlen_dtype(h5py.vlen_dtype("i2")), "length of sequences of varying length of int16"),
        (h5py.regionref_dtype, "references to regions of datasets"),
        (np.dtype((h5py.string_dtype(), (2,))), "arrays (2,) of text of varying length"),
    ],
)
def test_problems_name_the_type(sample, dtype, words) -> None:
    with sample.writing() as file:
        file.create_dataset("x", (2,), dtype)
    (problem,) = sample.read().all_problems()
    assert problem.code == "hdf5-type"
    assert words in problem.what
    assert problem.hint


@pytest.mark.parametrize("shape", [(), (4,), (2, 2)])
def test_references_name_what_they_point_to(sample, shape) -> None:
    with sample.writing() as file:
        file["group/data"] = np.arange(10)
        file.create_dataset("objects", shape, h5py.ref_dtype)
        file.create_dataset("regions", shape, h5py.regionref_dtype)
        file.create_dataset("none", shape, h5py.ref_dtype)
        first = (0,) * len(shape)
        file["objects"][first] = file["group"].ref
        file["regions"][first] = file["group/data"].regionref[2:5]
    problems = {problem.variable: problem.what for problem in sample.read().all_problems()}
    assert problems["/objects"].endswith("the first point to '/group'")
    assert problems["/regions"].endswith("the first point to '/group/data'")
    assert "point" not in problems["/none"]


def test_null_dataspace_of_any_type(sample) -> None:
    with sample.writing() as file:
        for name, dtype in {"n": "f4", "s": h5py.string_dtype(), "r": h5py.ref_dtype}.items():
            file[name] = h5py.Empty(dtype)
    problems = sample.read().all_problems()
    assert {problem.code for problem in problems} == {"hdf5-null-dataspace"}
    assert len(problems) == 3


@given(tid=hdf5_types(), data=st.data())
def test_damaged_types_are_described_or_an_error(tid, data) -> None:
    message = bytearray(tid.encode()[2:])
    for _ in range(data.draw(st.integers(0, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = data_type(bytes(message))
    except ValueError:
        return
    assert (found.dtype is not None) or found.reason is not None
