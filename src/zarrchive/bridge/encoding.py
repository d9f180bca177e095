"""An xarray Dataset, virtual and loaded variables alike, as a group of virtual arrays."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from zarrchive.bridge.bounds import units_of_bounds
from zarrchive.bridge.inline_values import inline_array
from zarrchive.bridge.notes import RAW, notes_of
from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests import ManifestArray, ManifestGroup
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.compare import DECODING_ATTRIBUTES, decoding_differences
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_dataset"]

_LARGE: Final = 16 * 2**20
"""Bytes from which on values in memory are worth a word: they go into every output."""


def from_dataset(dataset: xr.Dataset) -> ManifestGroup:
    """Return `dataset` as a hierarchy of virtual arrays: what writers and `ManifestStore` take.

    Virtual variables keep their references; names, dimensions and attributes are those of
    `dataset`, except that attributes by which stored numbers are decoded stay as they are in
    the files. Loaded variables are encoded by xarray and held inline; those that are as they
    came from their file are held exactly as they are there.

    Raises
    ------
    ManifestError
        ``values-not-storable`` or ``encode-failed`` for a variable that Zarr cannot hold.
    """
    problems = list(notes_of(dataset).problems)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        variables, attributes = xr.conventions.encode_dataset_coordinates(dataset)
    where = str(dataset.encoding.get("source", "dataset"))
    problems += [_of_warning(str(one.message), where) for one in caught]
    arrays = {}
    for key, variable in variables.items():
        name = str(key)
        data = variable.data
        if isinstance(data, ManifestArray):
            arrays[name] = _referenced(name, variable, data, where, problems)
        else:
            arrays[name] = _held(name, variable, where, problems)
    _state_units_of_bounds(arrays, dataset)
    unique = tuple(dict.fromkeys(problems))
    return ManifestGroup(arrays=arrays, attributes=dict(attributes), problems=unique)


def _state_units_of_bounds(arrays: dict[str, ManifestArray], dataset: xr.Dataset) -> None:
    """Give bounds of times their own units where those of the times are others now.

    Without units of their own they have those of the times (CF 1.11, 7.1).
    """
    for name, of_bounds, before in units_of_bounds(dataset):
        bounds = arrays[of_bounds]
        if decoding_differences(before, arrays[str(name)].attributes):
            attributes = {**bounds.attributes, **before}
            metadata = changed_metadata(bounds.metadata, attributes=attributes)
            arrays[of_bounds] = bounds.replaced(metadata, bounds.manifest)


def _referenced(
    name: str, variable: xr.Variable, array: ManifestArray, where: str, problems: list[Problem]
) -> ManifestArray:
    kept = {k: array.attributes[k] for k in _decoding_names(array.attributes)}
    differ = decoding_differences(variable.attrs, kept)
    changed = [key for key in differ if key in variable.attrs and key in kept]
    problems += [
        Problem(
            code="decoding-attribute-changed",
            where=where,
            what=f"attribute {key!r} was set to {variable.attrs[key]!r}, but the stored numbers "
            f"are decoded by {kept[key]!r}, which is kept",
            hint="load the variable to change how it is encoded",
            variable=name,
            severity="warning",
        )
        for key in changed
    ]
    metadata = changed_metadata(
        array.metadata,
        dimension_names=[str(dim) for dim in variable.dims],
        attributes={**_text_keys(variable.attrs), **kept},
    )
    return ManifestArray(metadata, array.manifest, name=name)


def _decoding_names(attributes: Mapping[str, Any]) -> list[str]:
    """Return the attributes that give the stored numbers their meaning.

    Units do only if they are those of a time; other units may be corrected.
    """
    is_time = "since" in str(attributes.get("units", ""))
    ignored = () if is_time else ("units", "calendar")
    return [key for key in DECODING_ATTRIBUTES if key in attributes and key not in ignored]


def _held(name: str, variable: xr.Variable, where: str, problems: list[Problem]) -> ManifestArray:
    raw = variable.encoding.pop(RAW, None)
    attributes = _text_keys(variable.attrs)
    dims = [str(dim) for dim in variable.dims]
    variable = variable.load()
    if isinstance(raw, ManifestArray) and (decoded := _undone(name, raw, variable)) is not None:
        moved = {k: v for k, v in raw.attributes.items() if k not in decoded.attrs}
        moved.pop("coordinates", None)
        metadata = changed_metadata(
            raw.metadata, dimension_names=dims, attributes={**attributes, **moved}
        )
        return ManifestArray(metadata, raw.manifest, name=name)
    if variable.nbytes > _LARGE:
        problems.append(_large(name, variable, where))
    encoded = _encoded(name, variable, where)
    return inline_array(
        np.asarray(encoded.data), name=name, dims=dims, attributes=_text_keys(encoded.attrs)
    )


def _undone(name: str, raw: ManifestArray, variable: xr.Variable) -> xr.Variable | None:
    """Decode `raw` again, and return that if `variable` still has its values."""
    if raw.shape != variable.shape:
        return None
    values = values_of(raw)
    encoding = {"dtype": str} if values.dtype.kind == "T" else {}
    values = values.astype(object) if encoding else values
    for decode_times in (True, False):
        again = xr.Variable(variable.dims, values, dict(raw.attributes), dict(encoding))
        decoded = _decoded(name, again, decode_times=decode_times)
        if decoded is not None and _same_values(decoded, variable):
            return decoded
    return None


def _decoded(name: str, variable: xr.Variable, *, decode_times: bool) -> xr.Variable | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found, _, _ = xr.conventions.decode_cf_variables(
                {name: variable}, {}, decode_times=decode_times
            )
            loaded: xr.Variable = found[name].load()
        except Exception:  # noqa: BLE001 - what cannot be decoded is not what it was
            return None
    return loaded


def _same_values(left: xr.Variable, right: xr.Variable) -> bool:
    mine, theirs = np.asarray(left.data), np.asarray(right.data)
    if mine.shape != theirs.shape or (mine.dtype.kind in "mM") != (theirs.dtype.kind in "mM"):
        return False
    with_nan = mine.dtype.kind in "fcmM" and theirs.dtype.kind in "fcmM"
    return bool(np.array_equal(mine, theirs, equal_nan=with_nan))


def _encoded(name: str, variable: xr.Variable, where: str) -> xr.Variable:
    """Encode by CF; without the encoding of the file where that would change values."""
    if variable.dtype.kind == "T":
        variable = variable.astype(object)
    in_units, plain = variable.copy(deep=False), variable.copy(deep=False)
    keys = ("units", "calendar")
    in_units.encoding = {k: v for k, v in variable.encoding.items() if k in keys}
    plain.encoding = {k: v for k, v in variable.encoding.items() if k == "calendar"}
    failure: Exception | None = None
    for candidate in (variable, in_units, plain):
        with warnings.catch_warnings():
            # xarray warns of a loss of precision; the values are compared instead.
            warnings.simplefilter("ignore")
            try:
                encoded = xr.conventions.encode_cf_variable(candidate, name=name)
            except Exception as error:  # noqa: BLE001 - coders may raise anything
                failure = error
                continue
        if variable.dtype.kind in "SUV" or (candidate is plain and variable.dtype.kind not in "mM"):
            return encoded
        copy = xr.Variable(encoded.dims, encoded.data, dict(encoded.attrs))
        decoded = _decoded(name, copy, decode_times=True)
        if decoded is not None and _same_values(decoded, variable):
            return encoded
    raise ManifestError(
        Problem(
            code="encode-failed",
            where=where,
            what=f"its values of type {variable.dtype} cannot be encoded "
            f"without changing them: {failure}",
            hint="convert it to numbers, times or strings, or drop it",
            variable=name,
        )
    ) from failure


def _text_keys(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in attributes.items()}


def _of_warning(text: str, where: str) -> Problem:
    return Problem(
        code="coordinates-not-storable",
        where=where,
        what=" ".join(text.split()),
        hint="rename the variable, or drop the attribute 'coordinates' of the dataset",
        severity="warning",
    )


def _large(name: str, variable: xr.Variable, where: str) -> Problem:
    return Problem(
        code="values-large",
        where=where,
        what=f"{variable.nbytes / 2**20:.0f} MiB of values are in memory and become part of every "
        "output, instead of references",
        hint="leave the variable out of loadable_variables",
        variable=name,
        severity="warning",
    )
