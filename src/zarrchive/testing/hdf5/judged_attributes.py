"""Attributes of one object: what h5py reads, and how what a reader shows differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
from h5py import h5a, h5t

from zarrchive.testing.hdf5.judged_values import is_odd_number, same_bits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zarrchive.errors import Problem

__all__ = ["attribute_differences", "is_pure_dimension"]

_INTERNAL: Final = frozenset(
    {
        *("DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"),
        *("_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict", "_NCProperties"),
    }
)
"""What HDF5 and netCDF4 keep for themselves."""
_FLAGS: Final = frozenset({"flag_values", "flag_meanings"})
"""As which a reader may show the names of an enumeration."""
_PURE: Final = "This is a netCDF dimension but not a netCDF variable"


def attribute_differences(
    obj: h5py.HLObject, ours: Mapping[str, Any], problems: Sequence[Problem]
) -> Iterator[tuple[str, str]]:
    """Yield kind and text of whatever differs and no Problem of the object names."""
    try:
        names = _names(obj)
    except Exception as error:  # noqa: BLE001 - h5py raises what it likes on damaged files
        if ours and not problems:
            yield "accepted", f"attributes {sorted(ours)}, which h5py cannot list: {error}"
        return
    is_scale = _text(obj, b"CLASS") == "DIMENSION_SCALE"
    shown = {name: raw for raw in names if not _is_internal(name := _decoded_name(raw), is_scale)}
    # In damaged files a name may be read in other ways, and what is lost has another name.
    n_others = sum(not any(_is_about(p, name) for name in shown) for p in problems)
    for name, raw in shown.items():
        if any(_is_about(problem, name) for problem in problems):
            continue
        kind, text = _difference(obj, raw, name, ours)
        if kind == "missing" and n_others:
            n_others -= 1
        elif kind:
            yield "accepted" if kind == "accepted" else "attribute", f"{name!r} {text}"
    for name in sorted(set(ours) - set(shown) - _allowed(obj)):
        yield "attribute", f"{name!r} is {ours[name]!r}, but h5py has none"


def is_pure_dimension(obj: h5py.HLObject) -> bool:
    """Say whether a dataset is a netCDF dimension only, which has no values."""
    return _text(obj, b"CLASS") == "DIMENSION_SCALE" and _text(obj, b"NAME").startswith(_PURE)


def _names(obj: h5py.HLObject) -> list[bytes]:
    names: list[bytes] = []
    h5a.iterate(obj.id, names.append)
    return names


def _decoded_name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _is_internal(name: str, is_scale: bool) -> bool:  # noqa: FBT001 - whose attribute it is
    return name in _INTERNAL or (is_scale and name in {"CLASS", "NAME"})


def _is_about(problem: Problem, name: str) -> bool:
    is_about_all = problem.code == "hdf5-damaged" or "the list of attributes" in problem.what
    return is_about_all or repr(name) in problem.what


def _difference(
    obj: h5py.HLObject, raw: bytes, name: str, ours: Mapping[str, Any]
) -> tuple[str, str]:
    """Return ``accepted``, ``missing``, ``other``, or nothing, and a text."""
    try:
        expected, tid = _value(obj, raw, ours.get(name))
    except Exception as error:  # noqa: BLE001 - h5py raises what it likes on damaged files
        return ("accepted", f"is shown, but h5py refuses it: {error}") if name in ours else ("", "")
    if name not in ours:
        return "missing", f"is missing, h5py has {_short(expected)}"
    if _same(ours[name], expected, tid):
        return "", ""
    return "other", f"is {_short(ours[name])}, h5py has {_short(expected)}"


def _value(obj: h5py.HLObject, raw: bytes, ours: Any) -> tuple[Any, h5t.TypeID]:
    """Return the value and its type; what NumPy cannot name is converted to the type of ours."""
    attribute = h5a.open(obj.id, raw)
    tid = attribute.get_type()
    try:
        return _in_order(h5py.AttributeManager(obj)[raw], tid), tid
    except (TypeError, ValueError):
        values = np.zeros(attribute.shape, np.asarray(ours).dtype)
        if values.dtype.kind not in "iuf":
            raise
        attribute.read(values, h5t.py_create(values.dtype))
        return values, tid


def _in_order(value: Any, tid: h5t.TypeID) -> Any:
    """Swap the bytes of big-endian sequences, which h5py calls native without swapping them."""
    if not isinstance(tid, h5t.TypeVlenID) or not isinstance(value, np.ndarray):
        return value
    base = tid.get_super()
    is_number = isinstance(base, h5t.TypeIntegerID | h5t.TypeFloatID)
    if not is_number or base.get_order() != h5t.ORDER_BE:
        return value
    swapped = value.copy()
    flat = swapped.reshape(-1)
    for at, one in enumerate(flat.tolist()):
        flat[at] = one.byteswap() if one.dtype.isnative else one
    return swapped


def _same(ours: Any, expected: Any, tid: h5t.TypeID) -> bool:
    type_class = tid.get_class()
    if isinstance(expected, h5py.Empty):
        is_text = type_class in {h5t.STRING, h5t.ARRAY} and isinstance(ours, str)
        return ours == "" if is_text else np.size(ours) == 0
    if type_class == h5t.VLEN and isinstance(expected, np.ndarray) and expected.size == 1:
        expected = expected.reshape(-1)[0]  # one sequence counts as an array
    there = np.asarray(expected)
    here = np.asarray(ours, dtype=object if there.dtype.kind in "SO" else None)
    if here.size != there.size or (here.size > 1 and here.shape != there.shape):
        return False
    if there.dtype.kind in "SO":
        return here.reshape(-1).tolist() == [_decoded(one) for one in there.reshape(-1).tolist()]
    return same_bits(here.reshape(there.shape), there, is_odd=is_odd_number(tid))


def _decoded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()  # one of several sequences
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None or value == 0 else value


def _allowed(obj: h5py.HLObject) -> frozenset[str]:
    if not isinstance(obj, h5py.Dataset):
        return frozenset()
    tid = obj.id.get_type()
    if tid.get_class() == h5t.ARRAY:
        tid = tid.get_super()
    return _FLAGS if tid.get_class() == h5t.ENUM else frozenset()


def _text(obj: h5py.HLObject, name: bytes) -> str:
    try:
        value = h5py.AttributeManager(obj)[name]
    except Exception:  # noqa: BLE001 - it may not exist, or be damaged
        return ""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _short(value: object) -> str:
    return repr(value)[:200]
