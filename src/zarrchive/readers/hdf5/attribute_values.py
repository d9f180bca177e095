"""Attributes of HDF5 objects as Python values, and those that HDF5 and netCDF4 keep for themselves.

An attribute that cannot be kept is a Problem that names it; it never costs the variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.unusual_attributes import compound_value, opaque_words

__all__ = ["INTERNAL", "LARGEST", "NOT_READ", "Attributes", "lost", "presented", "text_of"]

INTERNAL: Final = frozenset(
    {
        "CLASS",
        "NAME",
        "DIMENSION_LIST",
        "REFERENCE_LIST",
        "DIMENSION_LABELS",
        "_Netcdf4Dimid",
        "_Netcdf4Coordinates",
        "_nc3_strict",
        "_NCProperties",
    }
)
NOT_READ: Final = frozenset({"REFERENCE_LIST", "DIMENSION_LABELS", "_nc3_strict", "_NCProperties"})
LARGEST: Final = 64 * 2**20
"""Bytes; a larger attribute is taken for damage."""


@dataclass(slots=True)
class Attributes:
    """The attributes of one object."""

    values: dict[str, Any] = field(default_factory=dict)
    """Strings, lists of strings, NumPy scalars and arrays; one element counts as a scalar."""
    internal: dict[str, Any] = field(default_factory=dict)
    """Those that HDF5 and netCDF4 keep for themselves; None for those that nobody reads here.
    ``DIMENSION_LIST`` is the addresses of the scales of each dimension."""
    reasons: list[Reason] = field(default_factory=list)
    """What was lost or changed."""

    @property
    def is_scale(self) -> bool:
        """Whether the object is an HDF5 dimension scale."""
        return self.internal.get("CLASS") == "DIMENSION_SCALE"

    def put(self, name: str, value: object) -> None:
        """Add an attribute where it belongs."""
        (self.internal if name in INTERNAL else self.values)[name] = value

    def drop(self, name: str) -> None:
        """Take an attribute out again."""
        (self.internal if name in INTERNAL else self.values).pop(name, None)

    def settle(self) -> None:
        """Give the author what is not HDF5's: only dimension scales have these from it."""
        if not self.is_scale:
            for name in ("CLASS", "NAME"):
                if name in self.internal:
                    self.values[name] = self.internal.pop(name)


def presented(values: np.ndarray[Any, Any], name: str, found: Attributes) -> object:
    """Return text as str, one element as a scalar, everything else as an array."""
    kind = values.dtype.kind
    if kind == "S" and values.size == 1:
        return text_of(values.item(), name, found)
    if kind in "SO":
        texts = [text_of(item, name, found) for item in values.reshape(-1).tolist()]
        if len(texts) == 1:
            return texts[0]
        return texts if values.ndim == 1 else np.array(texts, dtype=object).reshape(values.shape)
    if values.dtype.names is not None:
        return compound_value(values)
    if kind == "V":
        what = opaque_words(values)
        found.reasons.append(lost(name, f"it holds {what}, which JSON cannot say"))
        return None
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("="))
    return values.reshape(-1)[0] if values.size == 1 and values.ndim <= 1 else values


def text_of(raw: object, name: str, found: Attributes) -> str:
    """Decode the text of attribute `name`, or the name of an attribute where that is empty."""
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, bytes):
        return ""  # None or 0, as which h5py returns strings that were never written
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        what = f"attribute {name!r}" if name else "the name of an attribute"
        what += " is not UTF-8 as HDF5 says, "
        if found.reasons and found.reasons[-1].what.startswith(what):
            return raw.decode("latin-1")
        found.reasons.append(
            Reason(
                code="hdf5-text-encoding",
                what=f"{what}but {raw[:40]!r}; it was read as Latin-1",
                hint="check the characters beyond ASCII, and correct the attribute where they "
                "are wrong",
                severity="warning",
            )
        )
        return raw.decode("latin-1")


def lost(name: str, why: str) -> Reason:
    """Say that an attribute is left out."""
    return Reason(
        code="hdf5-attribute",
        what=f"attribute {name!r} is left out: {why}",
        hint="read it with h5py if it is needed; the values are not affected",
        severity="warning",
    )
