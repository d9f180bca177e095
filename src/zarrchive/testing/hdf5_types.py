"""Strategies for HDF5 datatypes, far beyond those that NumPy or h5py can say."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any, Final

from h5py import h5t
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

__all__ = ["fixed_size_types", "hdf5_types", "memory_type"]

_ENCODED: Final = b"\x03\x00"
"""What comes before a datatype message in h5py's encoding."""
_NAMES: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
)


@st.composite
def _integers(draw: st.DrawFn) -> h5t.TypeIntegerID:
    size = draw(st.integers(1, 10))
    precision = draw(st.integers(1, min(64, 8 * size)))
    bases = [h5t.STD_I8LE, h5t.STD_U8LE]
    if size in {3, 5, 6, 7, 9, 10} or precision == 8 * size:
        # HDF5 2.0 passes over the precision where it changes nothing but the byte order.
        bases += [h5t.STD_I16BE, h5t.STD_U16BE]
    tid = draw(st.sampled_from(bases)).copy()
    tid.set_size(size)
    tid.set_precision(precision)
    tid.set_offset(draw(st.integers(0, 8 * size - precision)))
    return tid


@st.composite
def _floats(draw: st.DrawFn) -> h5t.TypeFloatID:
    """Floats of up to 8 bytes whose numbers float64 holds."""
    exponent, mantissa = draw(st.integers(2, 11)), draw(st.integers(1, 52))
    size = draw(st.integers(-(-(exponent + mantissa + 1) // 8), 8))
    free = 8 * size - (exponent + mantissa + 1)
    low = draw(st.integers(0, free))
    tid = draw(st.sampled_from([h5t.IEEE_F64LE, h5t.IEEE_F64BE])).copy()
    tid.set_fields(low + mantissa + exponent, low + mantissa, exponent, low, mantissa)
    tid.set_precision(8 * size)
    tid.set_size(size)
    most = 2 ** (exponent - 1) - 1
    tid.set_ebias(draw(st.sampled_from([most, max(1, most // 2)])))
    return tid


@st.composite
def _text(draw: st.DrawFn) -> h5t.TypeStringID:
    tid = h5t.C_S1.copy()
    tid.set_size(draw(st.integers(1, 20)))
    tid.set_strpad(draw(st.sampled_from([h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD])))
    tid.set_cset(draw(st.sampled_from([h5t.CSET_ASCII, h5t.CSET_UTF8])))
    return tid


@st.composite
def _bit_fields(draw: st.DrawFn) -> h5t.TypeID:
    size = draw(st.integers(1, 9))
    precision = draw(st.integers(1, min(64, 8 * size)))
    offset = draw(st.integers(0, 8 * size - precision))
    order = draw(st.integers(0, 1 if size in {3, 5, 6, 7, 9} else 0))
    return h5t.decode(_ENCODED + pack("<BBBBIHH", 0x14, order, 0, 0, size, offset, precision))


@st.composite
def _opaque(draw: st.DrawFn) -> h5t.TypeID:
    time = [("NUMPY:<M8[ns]", 8), ("NUMPY:<m8[25s]", 8)]
    plain = st.tuples(st.sampled_from(["", "tag", "a tag of many bytes"]), st.integers(1, 9))
    tag, size = draw(st.sampled_from(time) | plain)
    tid = h5t.create(h5t.OPAQUE, size)
    tid.set_tag(tag.encode())
    return tid


@st.composite
def _enumerations(draw: st.DrawFn) -> h5t.TypeEnumID:
    base = draw(st.sampled_from([h5t.STD_I8LE, h5t.STD_U8LE, h5t.STD_I16BE, h5t.STD_I64LE]))
    tid = h5t.enum_create(base)
    names = draw(st.lists(_NAMES.map(str.encode), unique=True, min_size=1, max_size=5))
    for number, name in enumerate(names):
        tid.enum_insert(name, 3 * number)
    return draw(st.sampled_from([tid, h5t.py_create(bool, logical=True)]))


@st.composite
def _compounds(draw: st.DrawFn, members: st.SearchStrategy[h5t.TypeID]) -> h5t.TypeID:
    types = draw(st.lists(members, min_size=1, max_size=4))
    names = draw(
        st.lists(_NAMES.map(str.encode), min_size=len(types), max_size=len(types), unique=True)
        | st.just([b"r", b"i", b"c", b"d"][: len(types)])
    )
    gaps = draw(st.lists(st.integers(0, 3), min_size=len(types), max_size=len(types)))
    tid = h5t.create(h5t.COMPOUND, sum(one.get_size() for one in types) + sum(gaps) + 5)
    end = 0
    for name, one, gap in zip(names, types, gaps, strict=True):
        tid.insert(name, end + gap, one)
        end += gap + one.get_size()
    tid.set_size(end + draw(st.integers(0, 5)))
    return tid


@st.composite
def _arrays(draw: st.DrawFn, bases: st.SearchStrategy[h5t.TypeID]) -> h5t.TypeID:
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    return h5t.array_create(draw(bases), tuple(shape))


def _complex_of(base: h5t.TypeFloatID) -> h5t.TypeID:
    encoded = base.encode()[len(_ENCODED) :]
    return h5t.decode(_ENCODED + pack("<BBBBI", 0x5B, 1, 0, 0, 2 * base.get_size()) + encoded)


def fixed_size_types() -> st.SearchStrategy[h5t.TypeID]:
    """Types whose elements hold their values, nested in each other."""
    simple = st.one_of(_integers(), _floats(), _text(), _bit_fields(), _opaque(), _enumerations())
    if hasattr(h5t, "COMPLEX"):
        simple |= _floats().map(_complex_of)
    return st.recursive(simple, _nested, max_leaves=6)


def _nested(inner: st.SearchStrategy[h5t.TypeID]) -> st.SearchStrategy[h5t.TypeID]:
    return _compounds(inner) | _arrays(inner)


def hdf5_types() -> st.SearchStrategy[h5t.TypeID]:
    """Types of all classes, nested in each other."""
    text = h5t.C_S1.copy()
    text.set_size(h5t.VARIABLE)
    others = st.sampled_from([text, h5t.UNIX_D32LE, h5t.STD_REF_OBJ, h5t.STD_REF_DSETREG])
    sequences: Callable[..., h5t.TypeID] = h5t.vlen_create
    return st.recursive(
        fixed_size_types() | others,
        lambda inner: _nested(inner) | inner.map(sequences),
        max_leaves=4,
    )


def memory_type(tid: h5t.TypeID, dtype: np.dtype[Any], inner: tuple[int, ...] = ()) -> h5t.TypeID:
    """Return the type as which HDF5 reads elements of `tid` into an array of `dtype`.

    h5py has none for partial bit fields, nor for UTF-8 inside of compounds.
    """
    if isinstance(tid, h5t.TypeArrayID):
        own = tid.get_array_dims()
        return h5t.array_create(memory_type(tid.get_super(), dtype, inner[len(own) :]), own)
    if isinstance(tid, h5t.TypeCompoundID) and dtype.fields is not None:
        made = h5t.create(h5t.COMPOUND, dtype.itemsize)
        for number, (name, place) in enumerate(dtype.fields.items()):
            base, shape = dtype[name].subdtype or (dtype[name], ())
            field = memory_type(tid.get_member_type(number), base, shape)
            made.insert(tid.get_member_name(number), place[1], field)
        return made
    if isinstance(tid, h5t.TypeBitfieldID):
        order = "BE" if dtype.byteorder == ">" else "LE"
        return getattr(h5t, f"STD_B{8 * dtype.itemsize}{order}")
    if tid.get_class() == getattr(h5t, "COMPLEX", None):
        order = "BE" if dtype.byteorder == ">" else "LE"
        return getattr(h5t, f"COMPLEX_IEEE_F{4 * dtype.itemsize}{order}")
    if isinstance(tid, h5t.TypeOpaqueID):
        return tid
    made = h5t.py_create(dtype)
    if isinstance(tid, h5t.TypeStringID):
        made = made.copy()
        made.set_cset(tid.get_cset())
    return made
