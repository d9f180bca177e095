"""Every kind of HDF5 datatype, by a name, with random values of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import h5py
import numpy as np
from h5py import h5t

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

__all__ = ["KINDS", "Kind"]

Generator: TypeAlias = np.random.Generator
Values: TypeAlias = "npt.NDArray[Any]"

_TEXTS: Final = ("", "a", "größe", "two words", "日本", "x" * 300, "{{u}} <b>")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of datatype."""

    tid: Callable[[], h5t.TypeID]
    """Makes the type of the file."""
    values: Callable[[Generator, int, h5py.File], Values]
    """Makes that many values, as `memory` says (or the bytes of the file)."""
    memory: Callable[[], h5t.TypeID] | None = None
    """Makes the type of `values`; None: that of the file, so that nothing is converted."""

    @property
    def is_raw(self) -> bool:
        """Whether `values` are the bytes of the file."""
        return self.memory is None


def _raw(tid: Callable[[], h5t.TypeID], low: int = 0, high: int = 256) -> Kind:
    def make(random: Generator, count: int, _: h5py.File) -> Values:
        size = tid().get_size()
        raw = random.integers(low, high, count * size).astype(np.uint8)
        values: Values = raw.view(f"V{size}")
        return values

    return Kind(tid, make)


def _of(dtype: Any) -> Kind:
    return _raw(lambda: h5t.py_create(np.dtype(dtype), logical=True))


def _changed(base: h5t.TypeID, change: Callable[[Any], object]) -> Callable[[], h5t.TypeID]:
    def tid() -> h5t.TypeID:
        copy = base.copy()
        change(copy)
        return copy

    return tid


def _twelve_bits(tid: h5t.TypeIntegerID) -> None:
    tid.set_precision(12)


def _shifted(tid: h5t.TypeIntegerID) -> None:
    tid.set_precision(12)
    tid.set_offset(4)


def _three_bytes(tid: h5t.TypeIntegerID) -> None:
    tid.set_precision(24)
    tid.set_size(3)


def _bfloat16(tid: h5t.TypeFloatID) -> None:
    tid.set_fields(15, 7, 8, 0, 7)
    tid.set_size(2)


def _string(size: int, padding: int, charset: int) -> Callable[[], h5t.TypeID]:
    def change(tid: h5t.TypeStringID) -> None:
        tid.set_size(size)
        tid.set_strpad(padding)
        tid.set_cset(charset)

    return _changed(h5t.C_S1, change)


def _enum(base: h5t.TypeID, names: tuple[str, ...]) -> Callable[[], h5t.TypeID]:
    def tid() -> h5t.TypeID:
        made = h5t.enum_create(base)
        for number, name in enumerate(names):
            made.enum_insert(name.encode(), number * 3)
        return made

    return tid


def _compound(size: int, *fields: tuple[str, int, h5t.TypeID]) -> Callable[[], h5t.TypeID]:
    def tid() -> h5t.TypeID:
        made = h5t.create(h5t.COMPOUND, size)
        for name, offset, member in fields:
            made.insert(name.encode(), offset, member)
        return made

    return tid


def _opaque(size: int, tag: str) -> Callable[[], h5t.TypeID]:
    def tid() -> h5t.TypeID:
        made = h5t.create(h5t.OPAQUE, size)
        made.set_tag(tag.encode())
        return made

    return tid


def _array(base: h5t.TypeID, *dims: int) -> Callable[[], h5t.TypeID]:
    return lambda: h5t.array_create(base, dims)


def _objects(dtype: np.dtype[Any], make: Callable[[Generator, int], list[Any]]) -> Kind:
    def values(random: Generator, count: int, _: h5py.File) -> Values:
        made = np.empty(count, dtype=object)
        made[:] = make(random, count)
        return made.astype(dtype)

    return Kind(lambda: h5t.py_create(dtype, logical=True), values, lambda: h5t.py_create(dtype))


def _texts(random: Generator, count: int) -> list[Any]:
    return [_TEXTS[i] for i in random.integers(0, len(_TEXTS), count)]


def _sequences(random: Generator, count: int) -> list[Any]:
    return [np.arange(n, dtype="i4") for n in random.integers(0, 5, count)]


def _references(_: Generator, count: int, file: h5py.File) -> Values:
    made = np.empty(count, dtype=h5py.ref_dtype)
    made[:] = file["/"].ref
    return made


def _mixed(random: Generator, count: int, _: h5py.File) -> Values:
    made = np.empty(count, dtype=_MIXED)
    made["n"] = random.integers(0, 99, count)
    made["text"] = _texts(random, count)
    return made


_MIXED: Final = np.dtype([("n", "<i4"), ("text", h5py.string_dtype())])

_NUMBERS: Final = (
    *("i1", "u1"),
    *(f"{order}{code}" for order in "<>" for code in ("i2", "u2", "i4", "u4", "i8", "u8")),
    *(f"{order}{code}" for order in "<>" for code in ("f2", "f4", "f8", "c8", "c16")),
)
_INNER: Final = _compound(6, ("p", 0, h5t.STD_I16LE), ("q", 2, h5t.IEEE_F32LE))

KINDS: Final[dict[str, Kind]] = {
    **{dtype: _of(dtype) for dtype in _NUMBERS},
    "bool": _raw(lambda: h5t.py_create(np.dtype("?"), logical=True), high=2),
    "long double": _of(np.longdouble),
    "twelve bits": _raw(_changed(h5t.STD_I16LE, _twelve_bits)),
    "twelve bits at bit 4": _raw(_changed(h5t.STD_U16LE, _shifted)),
    "three bytes": _raw(_changed(h5t.STD_I32BE, _three_bytes)),
    "bfloat16": _raw(_changed(h5t.IEEE_F32LE, _bfloat16)),
    "string null-padded": _raw(_string(5, h5t.STR_NULLPAD, h5t.CSET_ASCII), low=1),
    "string null-terminated": _raw(_string(4, h5t.STR_NULLTERM, h5t.CSET_ASCII)),
    "string space-padded": _raw(_string(3, h5t.STR_SPACEPAD, h5t.CSET_UTF8), low=30, high=40),
    "string of one": _raw(_string(1, h5t.STR_NULLPAD, h5t.CSET_UTF8), low=1),
    "text": _objects(h5py.string_dtype(), _texts),
    "ascii text": _objects(h5py.string_dtype("ascii"), lambda _, n: ["abc"] * n),
    "enum": _raw(_enum(h5t.STD_U8LE, ("sea", "land", "lake ice")), high=9),
    "enum of 4 bytes": _raw(_enum(h5t.STD_I32BE, ("no", "yes"))),
    "bit field": _raw(lambda: h5t.STD_B16BE),
    "opaque": _raw(_opaque(3, "three")),
    "date": _raw(_opaque(8, "NUMPY:<M8[s]"), high=5),
    "time": _raw(lambda: h5t.UNIX_D32LE),
    "compound": _raw(
        _compound(9, ("a", 0, h5t.STD_I32LE), ("b", 4, h5t.IEEE_F32LE), ("c", 8, h5t.STD_U8LE))
    ),
    "compound with gaps": _raw(_compound(16, ("a", 2, h5t.STD_I16LE), ("b", 8, h5t.IEEE_F64LE))),
    "compound of both orders": _raw(
        _compound(8, ("a", 0, h5t.STD_I32BE), ("b", 4, h5t.IEEE_F32LE))
    ),
    "nested compound": _raw(_compound(8, ("n", 0, h5t.STD_I16LE), ("in", 2, _INNER()))),
    "compound with array": _raw(_compound(8, ("v", 0, h5t.array_create(h5t.STD_I16LE, (4,))))),
    "compound with text": Kind(
        lambda: h5t.py_create(_MIXED, logical=True), _mixed, lambda: h5t.py_create(_MIXED)
    ),
    "array": _raw(_array(h5t.IEEE_F32LE, 3)),
    "array of two dimensions": _raw(_array(h5t.STD_I16BE, 2, 2)),
    "array of strings": _raw(
        lambda: h5t.array_create(_string(2, h5t.STR_NULLPAD, h5t.CSET_ASCII)(), (2,)), low=1
    ),
    "array of compounds": _raw(lambda: h5t.array_create(_INNER(), (2,))),
    "sequences": _objects(h5py.vlen_dtype(np.dtype("i4")), _sequences),
    "reference": Kind(lambda: h5t.STD_REF_OBJ, _references, lambda: h5t.STD_REF_OBJ),
    "region": _raw(lambda: h5t.STD_REF_DSETREG, high=1),
}
"""By name; every entry can be written on its own."""
if hasattr(h5t, "COMPLEX_IEEE_F32LE"):  # a class of its own since HDF5 2.0
    KINDS["complex of HDF5 2.0"] = _raw(lambda: h5t.COMPLEX_IEEE_F32LE)
    KINDS["big complex of HDF5 2.0"] = _raw(lambda: h5t.COMPLEX_IEEE_F64BE)
