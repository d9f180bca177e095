"""What ``zarrchive inspect --json`` prints: the contents of files as plain values.

One object::

    {"zarrchive": "0.1.0", "files": [FILE, ...]}

FILE has ``url``, ``size`` (bytes, null if unknown), ``format`` (null if unknown), ``groups`` (null
if the file cannot be read), ``problems`` (of the file as a whole) and ``notes`` (what the reader
had to leave to a slower library). Groups are a flat list, parents first, each with ``path``,
``dimensions`` (name to size), ``attributes``, ``arrays`` and ``problems``.

An array has ``name``, ``path``, ``dtype``, ``shape``, ``dimensions``, ``chunks`` (elements of one
chunk), ``codecs`` (Zarr v3 documents in the order of encoding), ``fill_value``, ``grid`` (number of
chunks along each dimension), ``chunks_stored``, ``chunks_inlined``, ``chunks_missing``,
``bytes_stored``, ``bytes_decoded`` (null for variable-length elements) and ``attributes``.

A problem has ``severity`` (``error`` or ``warning``), ``code``, ``where``, ``variable``, ``what``
and ``hint``. Numbers that JSON lacks are the strings ``NaN``, ``Infinity`` and ``-Infinity``.
"""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.manifests.chunk_lengths import length_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["array_document", "group_documents", "plain", "problem_document"]


def group_documents(root: ManifestGroup, path: str = "/") -> list[dict[str, Any]]:
    """Describe a hierarchy that begins at `path`: one document for each group, parents first."""
    return [_group_document(here, group) for here, group in root.walk(path)]


def array_document(path: str, array: ManifestArray) -> dict[str, Any]:
    """Describe one array."""
    manifest, metadata = array.manifest, array.metadata
    stored = manifest.stored()
    dtype = array.dtype
    has_fixed_size = dtype.kind not in "OT"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "dtype": str(dtype) if has_fixed_size else "string",
        "shape": list(array.shape),
        "dimensions": list(_dimension_names(array)),
        "chunks": length_labels(array.chunk_lengths),
        "codecs": [plain(codec.to_dict()) for codec in metadata.codecs],
        "fill_value": plain(metadata.fill_value),
        "grid": list(manifest.grid_shape),
        "chunks_stored": manifest.nrefs,
        "chunks_inlined": manifest.ninlined,
        "chunks_missing": manifest.size - manifest.nstored,
        "bytes_stored": int(stored.length.sum(dtype=np.uint64)),
        "bytes_decoded": prod(array.shape) * dtype.itemsize if has_fixed_size else None,
        "attributes": {name: plain(value) for name, value in array.attributes.items()},
    }


def problem_document(problem: Problem) -> dict[str, str]:
    """Describe one problem."""
    return {
        "severity": problem.severity,
        "code": problem.code,
        "where": problem.where,
        "variable": problem.variable,
        "what": problem.what,
        "hint": problem.hint,
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - attributes hold anything
    """Turn an attribute or a fill value into what JSON can say."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        return plain(value.item()) if value.dtype.kind not in "Mm" else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float):
        return (
            value
            if isfinite(value)
            else {"nan": "NaN", "inf": "Infinity"}.get(str(value), "-Infinity")
        )
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _group_document(path: str, group: ManifestGroup) -> dict[str, Any]:
    base = path.rstrip("/")
    return {
        "path": path,
        "dimensions": _dimensions(group.arrays),
        "attributes": {name: plain(value) for name, value in group.attributes.items()},
        "arrays": [array_document(f"{base}/{name}", a) for name, a in group.arrays.items()],
        "problems": [problem_document(problem) for problem in group.problems],
    }


def _dimensions(arrays: Mapping[str, ManifestArray]) -> dict[str, int]:
    found: dict[str, int] = {}
    for array in arrays.values():
        found |= dict(zip(_dimension_names(array), array.shape, strict=True))
    return found


def _dimension_names(array: ManifestArray) -> tuple[str, ...]:
    names = array.metadata.dimension_names or (None,) * len(array.shape)
    return tuple(name if name is not None else f"dim_{axis}" for axis, name in enumerate(names))
