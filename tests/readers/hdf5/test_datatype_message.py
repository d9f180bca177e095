"""Datatype messages are parsed as h5py understands them; damaged ones are a ValueError, at once."""

from __future__ import annotations

from struct import pack

import h5py
import numpy as np
import pytest
from h5py import h5o, h5t
from hypothesis import assume, given
from hypothesis import strategies as st

from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import (
    Array,
    BitField,
    Complex,
    Compound,
    Enumeration,
    FixedPoint,
    FixedString,
    FloatingPoint,
    Opaque,
    Reference,
    Time,
    VariableLength,
)
from zarrchive.testing.hdf5_types import fixed_size_types, hdf5_types

_ORDERS = {"<": h5t.ORDER_LE, ">": h5t.ORDER_BE}
_PADDINGS = {
    "null-terminated": h5t.STR_NULLTERM,
    "null-padded": h5t.STR_NULLPAD,
    "space-padded": h5t.STR_SPACEPAD,
}
_CHARSETS = {"ascii": h5t.CSET_ASCII, "utf-8": h5t.CSET_UTF8}


def _agrees(found, tid) -> None:
    """Compare a parsed type with all that h5py tells of it."""
    assert found.size == tid.get_size()
    _COMPARISONS[type(found)](found, tid)


def _same_bits(found, tid) -> None:
    assert _ORDERS[found.order] == tid.get_order()
    assert (found.offset, found.precision) == (tid.get_offset(), tid.get_precision())


def _same_integer(found, tid) -> None:
    assert tid.get_class() == h5t.INTEGER
    _same_bits(found, tid)
    assert found.is_signed == (tid.get_sign() == h5t.SGN_2)


def _same_float(found, tid) -> None:
    _same_bits(found, tid)
    assert tid.get_fields() == (
        found.sign_position,
        found.exponent_position,
        found.exponent_size,
        found.mantissa_position,
        found.mantissa_size,
    )
    assert tid.get_ebias() == found.exponent_bias
    norms = {"none": h5t.NORM_NONE, "implied": h5t.NORM_IMPLIED}
    assert norms.get(found.normalization, h5t.NORM_MSBSET) == tid.get_norm()


def _same_time(found, tid) -> None:
    assert tid.get_class() == h5t.TIME


def _same_text(found, tid) -> None:
    assert not tid.is_variable_str()
    assert _PADDINGS[found.padding] == tid.get_strpad()
    assert _CHARSETS[found.charset] == tid.get_cset()


def _same_bit_field(found, tid) -> None:
    assert tid.get_class() == h5t.BITFIELD
    assert _ORDERS[found.order] == tid.get_order()
    # h5py has no words for the rest; the message has (§IV.A.2.d).
    assert pack("<HH", found.offset, found.precision) == tid.encode()[10:14]


def _same_opaque(found, tid) -> None:
    assert found.tag == tid.get_tag()


def _same_compound(found, tid) -> None:
    assert len(found.members) == tid.get_nmembers()
    for number, member in enumerate(found.members):
        assert member.name == tid.get_member_name(number)
        assert member.offset == tid.get_member_offset(number)
        _agrees(member.type, tid.get_member_type(number))


def _same_reference(found, tid) -> None:
    names = {"object": h5t.STD_REF_OBJ, "region": h5t.STD_REF_DSETREG}
    assert tid.equal(names[found.kind])


def _same_enumeration(found, tid) -> None:
    _agrees(found.base, tid.get_super())
    numbers = range(tid.get_nmembers())
    names = [tid.get_member_name(n) for n in numbers]
    assert found.members == tuple(
        zip(names, [tid.get_member_value(n) for n in numbers], strict=True)
    )


def _same_sequence(found, tid) -> None:
    if found.is_string:
        assert tid.is_variable_str()
        assert _PADDINGS[found.padding] == tid.get_strpad()
        assert _CHARSETS[found.charset] == tid.get_cset()
    else:
        _agrees(found.base, tid.get_super())


def _same_array(found, tid) -> None:
    assert found.shape == tid.get_array_dims()
    _agrees(found.base, tid.get_super())


def _same_complex(found, tid) -> None:
    _agrees(found.base, tid.get_super())


_COMPARISONS = {
    FixedPoint: _same_integer,
    FloatingPoint: _same_float,
    Time: _same_time,
    FixedString: _same_text,
    BitField: _same_bit_field,
    Opaque: _same_opaque,
    Compound: _same_compound,
    Reference: _same_reference,
    Enumeration: _same_enumeration,
    VariableLength: _same_sequence,
    Array: _same_array,
    Complex: _same_complex,
}


def _predefined():
    names = [name for name in dir(h5t) if isinstance(getattr(h5t, name), h5t.TypeID)]
    return [name for name in names if name not in {"PYTHON_OBJECT", "NUMPY_VLEN_STRING"}]


@pytest.mark.parametrize("name", _predefined())
def test_predefined_types(name) -> None:
    tid = getattr(h5t, name)
    _agrees(parse_datatype(tid.encode()[2:]), tid)


@given(tid=hdf5_types())
def test_types_agree_with_h5py(tid) -> None:
    _agrees(parse_datatype(tid.encode()[2:]), tid)


_LIBVERS = ["earliest", "v108", "v110", "v112", "latest"]


@given(tid=fixed_size_types(), libver=st.sampled_from(_LIBVERS))
def test_all_versions_that_the_library_writes(tid, libver) -> None:
    assert _committed(tid, libver) == parse_datatype(tid.encode()[2:])


@pytest.mark.parametrize("libver", _LIBVERS)
def test_variable_length_has_another_size_in_files(libver) -> None:
    text = h5py.string_dtype()
    tid = h5t.py_create(np.dtype([("a", text), ("b", h5py.vlen_dtype("i2"))]), logical=True)
    found = _committed(tid, libver)
    assert [(member.offset, member.type.size) for member in found.members] == [(0, 16), (16, 16)]
    assert [member.type.is_string for member in found.members] == [True, False]


def _committed(tid, libver):
    """Parse a type as a file has it."""
    with h5py.File("any", "w", driver="core", backing_store=False, libver=libver) as file:
        committed = tid.copy()
        try:
            committed.commit(file.id, b"type")
        except KeyError:  # old formats have no complex numbers
            assume(False)
        file.flush()
        image = file.id.get_file_image()
        at = _first_message(image, h5o.get_info(committed).addr)
        return parse_datatype(image[at : at + 4096])


def _first_message(image: bytes, at: int) -> int:
    """Return where the body of the first message of an object header begins (§IV.A.1)."""
    if image[at : at + 4] != b"OHDR":
        assert image[at + 16] == 3
        return at + 24
    flags = image[at + 5]
    at += 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0) + (1 << (flags & 3))
    assert image[at] == 3
    return at + 4 + (2 if flags & 4 else 0)


def _compound_of_version_1(rank: int, sizes: tuple[int, ...], type_size: int) -> bytes:
    integer = pack("<BBBBIHH", 0x10, 8, 0, 0, 4, 0, 32)
    member = b"abcdefgh".ljust(16, b"\0") + pack("<IB3xI4x4I", 4, rank, 0, *sizes) + integer
    return pack("<BBBBI", 0x16, 1, 0, 0, type_size) + member


def test_members_with_dimensions_of_version_1() -> None:
    found = parse_datatype(_compound_of_version_1(2, (3, 5, 7, 9), 64))
    (member,) = found.members
    assert (member.name, member.offset) == (b"abcdefgh", 4)
    assert member.type == Array(60, FixedPoint(4, "<", 0, 32, is_signed=True), (3, 5))
    (plain,) = parse_datatype(_compound_of_version_1(0, (0, 0, 0, 0), 8)).members
    assert plain.type == FixedPoint(4, "<", 0, 32, is_signed=True)


def test_h5py_agrees_about_version_1() -> None:
    message = _compound_of_version_1(2, (3, 5, 0, 0), 64)
    _agrees(parse_datatype(message), h5t.decode(b"\3\0" + message))


def test_array_of_version_2() -> None:
    integer = pack("<BBBBIHH", 0x10, 8, 0, 0, 4, 0, 32)
    message = pack("<BBBBIB3x4I", 0x2A, 0, 0, 0, 24, 2, 2, 3, 0, 1) + integer
    found = parse_datatype(message)
    assert found.shape == (2, 3)
    _agrees(found, h5t.decode(b"\3\0" + message))


@pytest.mark.parametrize("kind", range(5))
def test_references_of_version_4(kind) -> None:
    found = parse_datatype(pack("<BBBBI", 0x47, kind | 0x10, 0, 0, 64))
    names = ["object", "region", "object 2", "region 2", "attribute"]
    assert found == Reference(64, names[kind])


_INTEGER = h5t.STD_I32LE.encode()[2:]
_FLOAT = h5t.IEEE_F32LE.encode()[2:]
_WIDE = h5t.STD_I64LE.encode()[2:]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "has 0 bytes"),
        (_INTEGER[:7], "has 7 bytes, but needs at least 8"),
        (_INTEGER[:11], "has 11 bytes"),
        (b"\x00" + _INTEGER[1:], "version 0"),
        (b"\x60" + _INTEGER[1:], "version 6"),
        (b"\x1c" + _INTEGER[1:], "class 12"),
        (_INTEGER[:4] + bytes(4) + _INTEGER[8:], "0 bytes"),
        (_INTEGER[:10] + b"\x21\0", "33 bits at bit 0"),
        (_INTEGER[:10] + b"\0\0", "0 bits at bit 0"),
        (_FLOAT[:12] + b"\x1f" + _FLOAT[13:], "8 bits of exponent at bit 31"),
        (_FLOAT[:15] + b"\0" + _FLOAT[16:], "0 of mantissa"),
        (_FLOAT[:15] + b"\x18" + _FLOAT[16:], "24 of mantissa at bit 0"),
        (_FLOAT[:2] + b"\x1e" + _FLOAT[3:], "sign at bit 30"),
        (_FLOAT[:2] + b"\x20" + _FLOAT[3:], "sign at bit 32"),
        (_FLOAT[:1] + b"\x30" + _FLOAT[2:], "normalization 3"),
        (b"\x31\x60" + _FLOAT[2:], "byte order"),
        (pack("<BBBBI", 0x13, 3, 0, 0, 4), "padding of text 3"),
        (pack("<BBBBI", 0x13, 0x20, 0, 0, 4), "character set 2"),
        (pack("<BBBBI", 0x15, 8, 0, 0, 4) + b"abc", "needs at least 16"),
        (pack("<BBBBI", 0x36, 0, 0, 0, 4), "no members"),
        (pack("<BBBBI", 0x36, 1, 0, 0, 4) + b"abc", "has no end"),
        (pack("<BBBBI", 0x36, 1, 0, 0, 4) + b"a\0\1" + _INTEGER, "end at byte 5"),
        (
            pack("<BBBBI", 0x36, 2, 0, 0, 8) + b"a\0\0" + _INTEGER + b"b\0\3" + _INTEGER,
            "overlaps",
        ),
        (_compound_of_version_1(5, (1, 1, 1, 1), 64), "5 dimensions"),
        (_compound_of_version_1(2, (3, 0, 1, 1), 64), "holds nothing"),
        (pack("<BBBBI", 0x17, 5, 0, 0, 8), "kind of reference 5"),
        (pack("<BBBBI", 0x38, 1, 0, 0, 4) + _FLOAT, "not made of such integers"),
        (pack("<BBBBI", 0x38, 1, 0, 0, 4) + _WIDE, "not made of such integers"),
        (pack("<BBBBI", 0x38, 255, 255, 0, 4) + _INTEGER + bytes(50), "has no end"),
        (pack("<BBBBI", 0x38, 3, 0, 0, 4) + _INTEGER + b"a\0b\0c\0" + bytes(11), "at least 38"),
        (pack("<BBBBI", 0x39, 2, 0, 0, 16) + _INTEGER, "kind 2 of variable length"),
        (pack("<BBBBI", 0x1A, 0, 0, 0, 4) + b"\1" + _INTEGER, "came with version 2"),
        (pack("<BBBBI", 0x3A, 0, 0, 0, 4) + b"\0" + _INTEGER, "0 dimensions"),
        (pack("<BBBBI", 0x3A, 0, 0, 0, 4) + b"\xff" + bytes(2000), "255 dimensions"),
        (pack("<BBBBIBI", 0x3A, 0, 0, 0, 9, 1, 2) + _INTEGER, "8 bytes in each element of 9"),
        (pack("<BBBBI", 0x4B, 1, 0, 0, 8) + _FLOAT, "no form"),
        (pack("<BBBBI", 0x5B, 3, 0, 0, 8) + _FLOAT, "no form"),
        (pack("<BBBBI", 0x5B, 1, 0, 0, 9) + _FLOAT, "not made of two floats"),
        (pack("<BBBBI", 0x39, 0, 0, 0, 16) * 8000, "nested more than 32 deep"),
    ],
)
def test_damage_is_said_in_words(message, words) -> None:
    with pytest.raises(ValueError, match=words):
        parse_datatype(message)


@given(message=st.binary(max_size=200))
def test_random_bytes_are_a_type_or_an_error(message) -> None:
    _parsed_or_refused(message)


@given(tid=hdf5_types(), data=st.data())
def test_changed_bytes_are_a_type_or_an_error(tid, data) -> None:
    message = bytearray(tid.encode()[2:])
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    _parsed_or_refused(bytes(message[: data.draw(st.integers(0, len(message)))]))


def _parsed_or_refused(message: bytes) -> None:
    try:
        found = parse_datatype(message)
    except ValueError:
        return
    assert 0 < _size(found) <= found.size


def _size(found) -> int:
    """Return the bytes that the parts of a type take, which never pass its own."""
    if isinstance(found, Compound):
        return max(member.offset + member.type.size for member in found.members)
    if isinstance(found, Array):
        return int(np.prod(found.shape, dtype=object)) * found.base.size
    if isinstance(found, FixedPoint | FloatingPoint | BitField):
        return (found.offset + found.precision + 7) // 8
    return found.size
