"""Variables as xarray has them: loaded ones decoded by xarray itself, virtual ones as they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import xarray as xr

from zarrchive.bridge._xarray import decoded_times
from zarrchive.bridge.inline_values import inline_array
from zarrchive.bridge.notes import RAW
from zarrchive.errors import Problem
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["DecodeTimes", "Decoded", "decode_group", "is_plain"]

DecodeTimes = bool | xr.coders.CFDatetimeCoder

_LARGEST_KEPT: Final = 16 * 2**20
"""Bytes up to which the values of a loaded variable are also kept as the file has them."""


@dataclass(slots=True)
class Decoded:
    """The content of one group, as far as xarray's conventions go."""

    variables: dict[str, xr.Variable] = field(default_factory=dict)
    coordinates: set[str] = field(default_factory=set)
    """Names that attributes call coordinates."""
    attributes: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a group comes from, for problems and for reading values."""

    where: str
    path: str
    storage_options: Mapping[str, Any] | None = None

    def problem(self, code: str, name: str, what: str, hint: str) -> Problem:
        """Return a warning about variable `name` of the group."""
        return Problem(
            code=code,
            where=self.where,
            what=what,
            hint=hint,
            variable=f"{self.path.rstrip('/')}/{name}",
            severity="warning",
        )


def decode_group(
    group: ManifestGroup,
    dims: Mapping[str, tuple[str, ...]],
    load: Collection[str],
    *,
    decode_times: DecodeTimes,
    origin: Origin,
) -> Decoded:
    """Build the xarray variables of one group.

    Parameters
    ----------
    group
        Arrays with dimensions `dims`; those that `dims` does not name are left out.
    load
        Names of the variables to load and decode. All others stay virtual, with their
        decoding attributes.

    Returns
    -------
    Decoded
        With a warning ``load-failed`` or ``decode-failed`` for each variable that remains
        virtual or undecoded.
    """
    decoded = Decoded()
    loaded: dict[Hashable, xr.Variable] = {}
    for name, names in dims.items():
        if name in load:
            variable = _loaded(name, names, group.arrays[name], decoded, origin)
            if variable is not None:
                loaded[name] = variable
    virtual = {name: names for name, names in dims.items() if name not in loaded}
    if "coordinates" not in group.attributes and not _refer_to_others(loaded.values()):
        # Most loaded variables mean what they say: xarray would return them as they are.
        decoded.attributes = dict(group.attributes)
        _decode_the_usual(loaded, decode_times, decoded)
        left = {n: v for n, v in loaded.items() if n not in decoded.variables}
        if left:
            _decode(left, (), group.attributes, decode_times, into=decoded, origin=origin)
    else:
        # While decoding, xarray looks at all variables, and may write to their attributes.
        context: dict[Hashable, xr.Variable] = {
            name: loaded[name]
            if name in loaded
            else xr.Variable(names, group.arrays[name], fastpath=True)
            for name, names in dims.items()
        }
        _decode(context, virtual, group.attributes, decode_times, into=decoded, origin=origin)
    for name, names in virtual.items():
        decoded.variables[name] = _virtual(group.arrays[name], names, dims, decoded)
    decoded.variables = {name: decoded.variables[name] for name in dims}
    return decoded


def _loaded(
    name: str, dims: tuple[str, ...], array: ManifestArray, decoded: Decoded, origin: Origin
) -> xr.Variable | None:
    """Return the variable with its values as they are in the file; None where they fail."""
    try:
        values = values_of(array, storage_options=origin.storage_options)
    except Exception as error:  # noqa: BLE001 - codecs may raise anything
        what = f"its values cannot be read ({error}); it stays virtual"
        hint = "compare the file with the original, or leave the variable out of what is loaded"
        decoded.problems.append(origin.problem("load-failed", name, what, hint))
        return None
    raw = array
    if array.manifest.nrefs and values.nbytes <= _LARGEST_KEPT:
        raw = inline_array(values, name=name, dims=dims, attributes=array.attributes)
    encoding: dict[str, Any] = {} if raw.manifest.nrefs else {RAW: raw}
    if values.dtype.kind == "T":
        # As the netCDF engines mark strings, so that xarray treats them alike.
        values, encoding["dtype"] = values.astype(object), str
    return xr.Variable(dims, values, dict(array.attributes), encoding, fastpath=True)


def _virtual(
    array: ManifestArray,
    dims: tuple[str, ...],
    known: Collection[str],
    decoded: Decoded,
) -> xr.Variable:
    """Return the variable with what its coordinates are, and nothing else, decoded."""
    attributes = dict(array.attributes)
    encoding = {}
    text = attributes.get("coordinates")
    if isinstance(text, str):
        encoding["coordinates"] = attributes.pop("coordinates")
        decoded.coordinates.update(one for one in text.split() if one in known)
    return xr.Variable(dims, array, attributes, encoding, fastpath=True)


def _decode(  # noqa: PLR0913 - what xarray's decoder needs, and where results go
    context: Mapping[Hashable, xr.Variable],
    virtual: Collection[str],
    attributes: Mapping[str, Any],
    decode_times: DecodeTimes,
    *,
    into: Decoded,
    origin: Origin,
) -> None:
    """Decode all variables that are not virtual; one by one where xarray refuses one of them."""
    before = {name: dict(v.attrs) for name, v in context.items()}
    try:
        _decode_as_one(context, virtual, attributes, decode_times, into)
    except Exception:  # noqa: BLE001 - attributes of real files break xarray in many ways
        for name, variable in context.items():
            variable.attrs = before[name]
        _decode_one_by_one(context, virtual, decode_times, into, origin)
        into.attributes = dict(attributes)


def _refer_to_others(loaded: Iterable[xr.Variable]) -> bool:
    """Whether a loaded variable names others, or is made of characters along a dimension of others.

    xarray may change these then.
    """
    return any(v.dtype.kind == "S" or not _REFERRING.isdisjoint(v.attrs) for v in loaded)


def _decode_the_usual(
    context: Mapping[Hashable, xr.Variable], decode_times: DecodeTimes, into: Decoded
) -> None:
    """Decode variables that are as they say, and times; what else there is, xarray decodes."""
    for name, variable in context.items():
        if is_plain(variable):
            variable.encoding.setdefault("dtype", variable.dtype)  # as xarray does
            into.variables[str(name)] = variable
        elif decode_times is True and _is_time(variable):
            # Where it fails, xarray is asked again, and says what is wrong.
            with suppress(Exception):
                into.variables[str(name)] = decoded_times(variable)


def _is_time(variable: xr.Variable) -> bool:
    """Whether a loaded variable is a time, and nothing but that has to be decoded."""
    units = variable.attrs.get("units")
    if variable.dtype.kind not in "iuf" or not isinstance(units, str) or "since" not in units:
        return False
    return (_DECODING - {"calendar"}).isdisjoint(variable.attrs) and bool(variable.size)


def is_plain(variable: xr.Variable) -> bool:
    """Whether nothing in the attributes of a loaded variable asks xarray to decode it."""
    if variable.dtype.kind not in "biuf" or not _DECODING.isdisjoint(variable.attrs):
        return False
    units = variable.attrs.get("units")
    # Times, and lengths of time, which xarray decodes as well.
    return not isinstance(units, str) or ("since" not in units and units not in _TIME_UNITS)


_REFERRING: Final = frozenset(
    {
        *("ancillary_variables", "bounds", "cell_measures", "climatology", "coordinates"),
        *("formula_terms", "grid_mapping"),
    }
)
"""Attributes that name other variables (CF conventions, appendix A)."""
_DECODING: Final = frozenset(
    {
        *("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype"),
        *("calendar", "_Encoding"),
    }
)
"""Attributes that change how xarray reads the values."""
_TIME_UNITS: Final = frozenset(
    {"days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"}
)


def _decode_as_one(
    context: Mapping[Hashable, xr.Variable],
    skip: Collection[Hashable],
    attributes: Mapping[str, Any],
    decode_times: DecodeTimes,
    decoded: Decoded,
) -> None:
    variables, group_attributes, coordinates = xr.conventions.decode_cf_variables(
        context, dict(attributes), decode_times=decode_times, drop_variables=list(skip)
    )
    # Decoding is lazy: values that cannot be decoded fail only here.
    loaded = {str(name): _in_memory(variable) for name, variable in variables.items()}
    decoded.variables.update(loaded)
    decoded.attributes = dict(group_attributes)
    decoded.coordinates.update(str(name) for name in coordinates if name in context)


def _in_memory(variable: xr.Variable) -> xr.Variable:
    loaded: xr.Variable = variable.load()
    return loaded


def _decode_one_by_one(
    context: Mapping[Hashable, xr.Variable],
    virtual: Collection[str],
    decode_times: DecodeTimes,
    decoded: Decoded,
    origin: Origin,
) -> None:
    for name in context:
        if name in virtual:
            continue
        others = [other for other in context if other != name]
        before = dict(context[name].attrs)
        try:
            _decode_as_one(context, others, {}, decode_times, decoded)
        except Exception as error:  # noqa: BLE001 - as above
            variable = context[name].copy(deep=False)
            variable.attrs = before
            decoded.variables[str(name)] = variable
            what = f"xarray cannot decode it ({_first_line(error)}); its values are as in the file"
            hint = "correct its attributes and call xarray.decode_cf, or use decode_times=False"
            decoded.problems.append(origin.problem("decode-failed", str(name), what, hint))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
