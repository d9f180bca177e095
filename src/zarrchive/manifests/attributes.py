"""Attributes as JSON: the one place where the values of a file become a Zarr document.

Numbers lose their width, because JSON has none; everything else that would be lost is a
Problem. `_FillValue` is written as xarray reads it from Zarr v3 (`FillValueCoder`).
"""

from __future__ import annotations

import struct
from base64 import standard_b64encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from zarrchive.errors import ManifestError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["JSON", "JsonAttributes", "attributes_to_json", "encode_attributes"]

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"

_DEEPEST: Final = 32
"""Levels of nested lists; real files have one or two."""


class JsonAttributes(NamedTuple):
    """Attributes ready for JSON, and what could not be said."""

    values: dict[str, JSON]
    problems: tuple[Problem, ...]
    """``error``: the attribute is left out; ``warning``: it is left out or changed, but no
    value of the data depends on it."""


def attributes_to_json(
    attributes: Mapping[str, Any], dtype: np.dtype[Any] | None = None
) -> dict[str, JSON]:
    """Convert attributes as a file has them into what `json.dumps` takes (NaN included).

    Parameters
    ----------
    attributes
        Text, bytes, numbers, NumPy scalars and arrays of them.
    dtype
        Data type of the array that they belong to; None for a group, and where
        ``_FillValue`` is an attribute like any other.

    Raises
    ------
    ManifestError
        ``attribute-not-json`` where JSON has no such value; `encode_attributes` leaves such
        attributes out and says so.
    """
    encoded = encode_attributes(attributes, dtype)
    errors = [problem for problem in encoded.problems if problem.severity == "error"]
    if errors:
        raise ManifestError(*errors)
    return encoded.values


def encode_attributes(
    attributes: Mapping[str, Any],
    dtype: np.dtype[Any] | None = None,
    *,
    where: str = "attributes",
    variable: str = "",
) -> JsonAttributes:
    """Convert what can be converted; one Problem for each attribute that cannot.

    Compound values become objects; complex numbers become pairs, as Zarr writes complex fill
    values. Codes: ``attribute-not-json``, ``attribute-encoding``, ``attribute-fill-value``,
    ``attribute-complex``.
    """
    values: dict[str, JSON] = {}
    problems: list[Problem] = []
    for name, value in attributes.items():
        try:
            if name == "_FillValue" and dtype is not None:
                values[name] = _encoded_fill_value(value, dtype)
            else:
                values[name] = _plain(value)
        except _NotJsonError as error:
            problems.append(
                Problem(
                    code=error.code,
                    where=where,
                    what=f"attribute {name!r} {error.what}, and is left out",
                    hint="nothing to do if you do not need it; it remains in the source file",
                    variable=variable,
                    severity=error.severity,
                )
            )
        else:
            if _has_surrogates(values[name]):
                values[name] = _without_surrogates(values[name])
                what = f"attribute {name!r} is not UTF-8; read as Latin-1 it is "
                what += f"{str(values[name])[:60]!r}"
                hint = "check it if it has letters with accents"
                problems.append(_changed("attribute-encoding", where, what, hint, variable))
            if name != "_FillValue" and _has_complex(value):
                what = f"attribute {name!r} is complex, and is written as real and imaginary part"
                hint = "join the two after reading"
                problems.append(_changed("attribute-complex", where, what, hint, variable))
    return JsonAttributes(values, tuple(problems))


def _changed(code: str, where: str, what: str, hint: str, variable: str) -> Problem:
    return Problem(
        code=code, where=where, what=what, hint=hint, variable=variable, severity="warning"
    )


class _NotJsonError(Exception):
    """An attribute that has no form in JSON; becomes a Problem at once."""

    def __init__(self, what: str, code: str = "attribute-not-json") -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.severity: Any = "error" if code == "attribute-not-json" else "warning"


def _plain(value: Any, depth: int = 0) -> JSON:  # noqa: ANN401 - whatever a reader found
    if isinstance(value, np.ndarray | np.generic):
        return _plain_array(np.asarray(value), depth)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [_plain(item, depth + 1) for item in value]
    raise _NotJsonError(f"has a value of type {type(value).__name__}, which JSON cannot hold")


def _plain_array(value: np.ndarray[Any, Any], depth: int) -> JSON:
    kind = value.dtype.kind
    plain: Any
    if value.dtype.names is not None and depth < _DEEPEST:
        return _plain_struct(value, depth)
    if kind in "biuUT":
        plain = value.tolist()
    elif kind == "f":
        # longdouble has no Python equal of its own.
        plain = value.astype(np.float64).tolist()
    elif kind == "c":
        plain = np.stack([value.real, value.imag], axis=-1).tolist()
    elif kind in "SO":
        plain = _plain(value.tolist(), depth + 1)
    elif kind == "M":
        plain = np.datetime_as_string(value).tolist()
    else:
        raise _NotJsonError(f"has values of type {value.dtype}, which JSON cannot hold")
    return plain  # type: ignore[no-any-return]


def _plain_struct(value: np.ndarray[Any, Any], depth: int) -> JSON:
    """Return an object for each element, with the names of the fields as keys."""
    if value.ndim:
        return [_plain_array(item, depth + 1) for item in map(np.asarray, value)]
    return {name: _plain(value[name], depth + 1) for name in value.dtype.names or ()}


def _encoded_fill_value(value: Any, dtype: np.dtype[Any]) -> JSON:  # noqa: ANN401 - any scalar
    """Encode ``_FillValue`` the way in which xarray decodes it for arrays of `dtype`."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biufcSU" or dtype.kind not in "biufc":
        raise _NotJsonError(
            f"({str(value)[:60]}, {array.dtype}) marks missing values of type {dtype}, which "
            "xarray cannot read from Zarr",
            "attribute-fill-value",
        )
    scalar = array.reshape(-1)[0].item()
    try:
        if dtype.kind == "c":
            number = complex(scalar)
            return [_as_base64(number.real), _as_base64(number.imag)]
        if dtype.kind == "f":
            return _as_base64(float(scalar))
        return bool(scalar) if dtype.kind == "b" else int(scalar)
    except (TypeError, ValueError, OverflowError) as error:
        raise _NotJsonError(
            f"({str(value)[:60]}) cannot be a value of type {dtype}", "attribute-fill-value"
        ) from error


def _as_base64(number: float) -> str:
    return standard_b64encode(struct.pack("<d", number)).decode()


def _has_surrogates(value: JSON) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= letter <= "\udfff" for letter in value)
    return any(map(_has_surrogates, _parts(value)))


def _parts(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _without_surrogates(value: JSON) -> JSON:
    """Read text that is not UTF-8 as Latin-1, in which every byte is a letter."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    if isinstance(value, dict):
        return {name: _without_surrogates(item) for name, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list) else value


def _has_complex(value: object) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        return _is_complex(value.dtype)
    return isinstance(value, complex)


def _is_complex(dtype: np.dtype[Any]) -> bool:
    if dtype.names is None:
        return dtype.base.kind == "c"
    return any(_is_complex(dtype[name]) for name in dtype.names)
