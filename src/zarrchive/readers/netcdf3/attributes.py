"""Attributes of netCDF classic files as Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zarrchive.readers.netcdf3.header import Attribute

__all__ = ["attributes_of", "decoded"]


def attributes_of(found: Iterable[Attribute], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return attributes by name: text as str, one number as a scalar, several as an array.

    `warn` is told what is not UTF-8, and was read as Latin-1 therefore.
    """
    values: dict[str, Any] = {}
    for attribute in found:
        name = decoded(attribute.name, "the name of an attribute", warn)
        value = attribute.values
        if isinstance(value, bytes):
            values[name] = decoded(value.rstrip(b"\0"), f"attribute {name!r}", warn)
        else:
            values[name] = value[0] if value.size == 1 else value
    return values


def decoded(raw: bytes, what: str, warn: Callable[[str], None]) -> str:
    """Decode text, of which the format says only for names that it is UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        warn(f"{what} is not UTF-8, but {raw[:40]!r}; it was read as Latin-1")
        return raw.decode("latin-1")
