"""Hierarchies as bytes, to be kept or sent: exact, and safe to read from anywhere.

A JSON document says what there is; the numbers behind it (columns of manifests, inline chunks,
attributes) are one run of bytes that it points into. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import astuple, fields
from math import prod
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import Problem
from zarrchive.location.identity import SourceFile
from zarrchive.manifests._zarr import array_metadata, changed_metadata, codec_documents
from zarrchive.manifests.chunk_lengths import grid_shape_of, longest_chunk
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.hierarchy import ManifestGroup
from zarrchive.manifests.manifest_array import ManifestArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from zarrchive.manifests._zarr import ArrayV3Metadata

__all__ = ["pack", "unpack"]

_HEAD: Final = Struct("<8sIQ")
"""Signature with version, CRC-32 of all that follows, bytes of the document."""
_SIGNATURE: Final = b"ZXGROUP1"
_PROBLEM_FIELDS: Final = tuple(field.name for field in fields(Problem))


def pack(group: ManifestGroup) -> bytes:
    """Return a hierarchy as bytes; `unpack` returns one that equals it.

    Raises
    ------
    TypeError
        If an attribute or a fill value is of a kind that readers do not make, or a data type
        can not be named.
    """
    run = _Run()
    rows: list[Any] = []
    pending = [(-1, "", group)]
    while pending:
        parent, name, one = pending.pop()
        at = len(rows)
        arrays = [[key, _array_document(array, run)] for key, array in one.arrays.items()]
        attributes = _attributes_document(one.attributes, run)
        rows.append([parent, name, attributes, [astuple(p) for p in one.problems], arrays])
        pending.extend((at, key, below) for key, below in reversed(list(one.groups.items())))
    files = [astuple(file) for file in run.files]
    document = json.dumps({"files": files, "groups": rows}, separators=(",", ":")).encode()
    body = b"".join((document, *run.parts))
    return _HEAD.pack(_SIGNATURE, _checksum(body, len(document)), len(document)) + body


def unpack(data: bytes) -> ManifestGroup:
    """Return the hierarchy that `pack` made `data` from; its columns lie in `data`.

    Raises
    ------
    ValueError
        If `data` is damaged, or of another version.
    """
    if len(data) < _HEAD.size:
        raise ValueError(f"{len(data)} bytes are too few for a packed hierarchy")
    signature, checksum, length = _HEAD.unpack_from(data)
    body = memoryview(data)[_HEAD.size :]
    if signature != _SIGNATURE or _checksum(body, length) != checksum:
        raise ValueError("these bytes are no packed hierarchy of this version, or damaged")
    document = json.loads(bytes(body[:length]))
    parts = _Parts(body[length:], [SourceFile(*one) for one in document["files"]])
    rows = document["groups"]
    below: list[dict[str, ManifestGroup]] = [{} for _ in rows]
    for at in range(len(rows) - 1, 0, -1):
        below[rows[at][0]][rows[at][1]] = _group(rows[at], below[at], parts)
    return _group(rows[0], below[0], parts)


def _checksum(body: bytes | memoryview, length: int) -> int:
    return zlib.crc32(body, zlib.crc32(length.to_bytes(8, "little")))


class _Run:
    """The bytes behind the document, and the files that are named, while they are collected."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.files: dict[SourceFile, int] = {}
        self._end = 0

    def add(self, part: bytes) -> list[int]:
        """Keep bytes, and return where they are: offset and length."""
        self.parts.append(part)
        self._end += len(part)
        return [self._end - len(part), len(part)]

    def file(self, file: SourceFile) -> int:
        """Return the number of a file."""
        return self.files.setdefault(file, len(self.files))


class _Parts:
    """The bytes behind the document."""

    def __init__(self, data: memoryview, files: list[SourceFile]) -> None:
        self.data = data
        self.files = files

    def bytes_at(self, place: list[int]) -> bytes:
        return bytes(self.data[place[0] : place[0] + place[1]])

    def numbers(self, place: list[int], dtype: str) -> npt.NDArray[Any]:
        return np.frombuffer(self.data[place[0] : place[0] + place[1]], dtype=dtype)


def _group(row: list[Any], below: dict[str, ManifestGroup], parts: _Parts) -> ManifestGroup:
    _, _, attributes, problems, arrays = row
    return ManifestGroup(
        arrays={name: _array(document, parts) for name, document in arrays},
        groups=dict(reversed(below.items())),
        attributes=_attributes(attributes, parts),
        problems=tuple(Problem(**dict(zip(_PROBLEM_FIELDS, one, strict=True))) for one in problems),
    )


def _array_document(array: ManifestArray, run: _Run) -> dict[str, Any]:
    metadata, manifest = array.metadata, array.manifest
    return {
        "name": array.name,
        "shape": metadata.shape,
        "chunks": array.chunk_lengths,
        "dtype": _dtype_document(metadata),
        "codecs": codec_documents(metadata),
        "fill": _value_document(metadata.fill_value, run),
        "dims": metadata.dimension_names,
        "attributes": _attributes_document(metadata.attributes, run),
        "files": [run.file(file) for file in manifest.files],
        "inlined": [run.add(blob) for blob in manifest.inlined],
        "positions": None if manifest.positions is None else _column(manifest.positions, run),
        "columns": [
            _column(column, run) for column in (manifest.path_id, manifest.offset, manifest.length)
        ],
    }


def _array(document: Mapping[str, Any], parts: _Parts) -> ManifestArray:
    shape = tuple(document["shape"])
    lengths = tuple(tuple(one) if isinstance(one, list) else one for one in document["chunks"])
    dims = document["dims"]
    metadata = array_metadata(
        shape=shape,
        dtype=_dtype(document["dtype"]),
        chunk_shape=longest_chunk(lengths),
        codecs=document["codecs"],
        fill_value=_value(document["fill"], parts),
        dimension_names=None if dims is None else tuple(dims),
        attributes=_attributes(document["attributes"], parts),
    )
    if any(isinstance(one, tuple) for one in lengths):
        metadata = changed_metadata(metadata, chunk_lengths=lengths)
    grid = grid_shape_of(shape, lengths)
    positions = document["positions"]
    listed = None if positions is None else _numbers(positions, None, parts)
    columns_shape = grid if listed is None else listed.shape
    path_id, offset, length = (_numbers(one, columns_shape, parts) for one in document["columns"])
    manifest = ChunkManifest(
        grid,
        tuple(parts.files[number] for number in document["files"]),
        tuple(parts.bytes_at(place) for place in document["inlined"]),
        listed,
        path_id,
        offset,
        length,
    )
    return ManifestArray(metadata, manifest, name=document["name"])


def _dtype_document(metadata: ArrayV3Metadata) -> Any:  # noqa: ANN401 - JSON
    """Return the data type by NumPy's description; "string" for text of any length."""
    dtype: np.dtype[Any] = metadata.data_type.to_native_dtype()
    if dtype.kind in "OT":
        named: Any = metadata.data_type.to_json(zarr_format=3)
        if named != "string":
            raise TypeError(f"{named} has no fixed size")
        return "string"
    return np.lib.format.dtype_to_descr(dtype)


def _dtype(document: Any) -> np.dtype[Any] | str:  # noqa: ANN401 - JSON
    return document if document == "string" else _described(document)


def _described(document: Any) -> np.dtype[Any]:  # noqa: ANN401 - JSON
    """Return the data type that NumPy describes so; JSON has lists in place of tuples."""
    return np.lib.format.descr_to_dtype(_as_tuples(document))


def _as_tuples(document: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(document, list):
        return document
    if document and all(isinstance(one, list) for one in document):
        return [_field(one) for one in document]
    return tuple(_as_tuples(one) for one in document)


def _field(document: list[Any]) -> tuple[Any, ...]:
    name, kind, *shape = document
    title = tuple(name) if isinstance(name, list) else name
    return (title, _as_tuples(kind), *(tuple(one) for one in shape))


def _column(column: npt.NDArray[Any], run: _Run) -> list[Any]:
    """Return where a column is: dtype, place; or its value where all rows have one."""
    if column.size > 1 and not any(column.strides):
        return [column.dtype.str, int(column.flat[0])]
    return [column.dtype.str, run.add(column.tobytes())]


def _numbers(document: list[Any], shape: tuple[int, ...] | None, parts: _Parts) -> npt.NDArray[Any]:
    dtype, place = document
    if isinstance(place, int):
        return np.broadcast_to(np.array(place, dtype=dtype)[()], shape or ())
    found = parts.numbers(place, dtype)
    if shape is not None and found.size != prod(shape):
        raise ValueError(f"a column has {found.size} rows, not {prod(shape)}")
    return found if shape is None else found.reshape(shape)


def _attributes_document(attributes: Mapping[str, Any], run: _Run) -> list[Any]:
    return [[name, _value_document(value, run)] for name, value in attributes.items()]


def _attributes(document: list[Any], parts: _Parts) -> dict[str, Any]:
    return {name: _value(value, parts) for name, value in document}


def _value_document(value: Any, run: _Run) -> Any:  # noqa: ANN401 - one line a kind
    """Return a value for JSON: text and truth as they are, all else with its exact type."""
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is int:
        return value
    if kind is float:
        return {"float": value.hex()}
    if kind is bytes:
        return {"bytes": run.add(value)}
    if kind in {list, tuple}:
        return {kind.__name__: [_value_document(one, run) for one in value]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "OT":
        flat = [_value_document(one, run) for one in value.reshape(-1).tolist()]
        return {"objects": flat, "shape": value.shape}
    if isinstance(value, np.ndarray | np.generic):
        dtype = np.lib.format.dtype_to_descr(value.dtype)
        place = run.add(np.ascontiguousarray(value).tobytes())
        shape = value.shape if isinstance(value, np.ndarray) else None
        return {"numbers": place, "dtype": dtype, "shape": shape}
    raise TypeError(f"{kind.__name__} is no value that a reader makes")


def _value(document: Any, parts: _Parts) -> Any:  # noqa: ANN401 - one line a kind
    if not isinstance(document, dict):
        return document
    if "float" in document:
        return float.fromhex(document["float"])
    if "bytes" in document:
        return parts.bytes_at(document["bytes"])
    if "list" in document:
        return [_value(one, parts) for one in document["list"]]
    if "tuple" in document:
        return tuple(_value(one, parts) for one in document["tuple"])
    if "objects" in document:
        values = np.empty(len(document["objects"]), dtype=object)
        values[:] = [_value(one, parts) for one in document["objects"]]
        return values.reshape(document["shape"])
    dtype, shape = _described(document["dtype"]), document["shape"]
    data = parts.bytes_at(document["numbers"])
    if not dtype.itemsize:
        numbers = np.zeros(1 if shape is None else shape, dtype=dtype)
    else:
        numbers = np.frombuffer(data, dtype=dtype).copy()  # which people may write to
    return numbers.reshape(-1)[0] if shape is None else numbers.reshape(shape)
