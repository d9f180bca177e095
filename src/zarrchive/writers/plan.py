"""What a reference set will hold: metadata documents and manifests, decided before writing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.codecs.zarr_v2 import V2Encoding, v2_encoding
from zarrchive.errors import Problem, WriteError, ZarrchiveError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import ArrayV2Metadata, array_document
from zarrchive.manifests.attributes import encode_attributes
from zarrchive.manifests.chunk_lengths import lengths_text
from zarrchive.manifests.chunk_manifest import INLINE
from zarrchive.writers.fill_values import v2_fill
from zarrchive.writers.urls import problems_of_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from zarrchive.manifests import ManifestGroup
    from zarrchive.writers.protocol import ZarrFormat

__all__ = ["Node", "ReferencePlan", "plan_references"]

_RESERVED: Final = frozenset({".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json"})
_ANOTHER_NAME: Final = "leave it out, or rename it before exporting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One array or group of the output."""

    path: str
    """Without slashes at its ends; empty for the root."""
    documents: Mapping[str, Mapping[str, Any]]
    """Metadata documents by name (``.zarray``, ``zarr.json``, ...), as JSON values."""
    manifest: ChunkManifest | None = None
    """None: a group."""

    def key(self, name: str) -> str:
        """Return the key of a document or chunk of this node."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePlan:
    """All that will be written, and why something will not be."""

    nodes: tuple[Node, ...]
    """Groups before what they hold; names in sorted order."""
    problems: tuple[Problem, ...] = ()
    """What cannot be written (severity ``error``; it is not among the nodes), and warnings."""

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def manifests(self) -> list[ChunkManifest]:
        return [node.manifest for node in self.nodes if node.manifest is not None]


@dataclass(slots=True)
class _Planner:
    where: str
    zarr_format: ZarrFormat
    refuse: Callable[[Node], list[Problem]]
    nodes: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def walk(self, root: ManifestGroup) -> None:
        """Plan every node below `root`; nothing recurses."""
        pending: list[tuple[str, ManifestGroup | ManifestArray]] = [("", root)]
        while pending:
            path, item = pending.pop()
            if isinstance(item, ManifestArray):
                self._plan(path, item)
            elif self._add(self._group_node(path, item)):
                pending.extend(reversed(list(self._members(path, item))))

    def _members(
        self, path: str, group: ManifestGroup
    ) -> Iterator[tuple[str, ManifestGroup | ManifestArray]]:
        both: dict[str, ManifestGroup | ManifestArray] = {**group.groups, **group.arrays}
        for name in sorted(both):
            here = f"{path}/{name}" if path else name
            what = _problem_with_name(name)
            if name in group.arrays and name in group.groups:
                what = f"the group holds both an array and a group named {name!r}"
            if what:
                self._refused("name-refused", here, what, _ANOTHER_NAME)
            else:
                yield here, both[name]

    def _refused(self, code: str, path: str, what: str, hint: str) -> None:
        self.problems.append(
            Problem(code=code, where=self.where, variable=f"/{path}", what=what, hint=hint)
        )

    def _plan(self, path: str, array: ManifestArray) -> None:
        if problems := problems_of_files(array.manifest.files, variable=f"/{path}"):
            self.problems.extend(problems)
            return
        try:
            node = (self._array_v2 if self.zarr_format == 2 else self._array_v3)(path, array)
        except ZarrchiveError as error:
            self.problems.extend(error.problems)
        except (ValueError, TypeError, KeyError) as error:
            what = f"zarr refuses its metadata: {error}"
            self._refused("metadata-refused", path, what, "leave this variable out, and report it")
        else:
            self._add(node)

    def _add(self, node: Node) -> bool:
        """Take the node up, unless the format refuses it."""
        refused = self.refuse(node)
        self.problems.extend(refused)
        if not refused:
            self.nodes.append(node)
        return not refused

    def _group_node(self, path: str, group: ManifestGroup) -> Node:
        attributes = self._attributes(path, group.attributes, None)
        if self.zarr_format == 2:
            documents = {".zgroup": {"zarr_format": 2}, ".zattrs": attributes}
            return Node(path=path, documents=documents)
        document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        return Node(path=path, documents={"zarr.json": document})

    def _array_v2(self, path: str, array: ManifestArray) -> Node:
        variable = f"/{path}"
        codecs = [dict(codec.to_dict()) for codec in array.metadata.codecs]
        if not array.is_regular:
            raise WriteError(self._unlike_chunks(variable, array))
        encoding = v2_encoding(codecs, array.dtype, where=self.where, variable=variable)
        fill = v2_fill(array, encoding, where=self.where, variable=variable)
        self.problems.extend(fill.problems)
        zarray = _zarray(array, encoding, fill.fill_value)
        others = {key: value for key, value in array.attributes.items() if key != "_FillValue"}
        attributes = {
            **self._attributes(path, {**others, **fill.attributes}, None),
            "_ARRAY_DIMENSIONS": _dimensions(path, array),
        }
        manifest = array.manifest
        if fill.chunk is not None:
            manifest = _with_unwritten(manifest, fill.chunk)
        documents = {".zarray": zarray, ".zattrs": attributes}
        return Node(path=path, documents=documents, manifest=manifest)

    def _unlike_chunks(self, variable: str, array: ManifestArray) -> Problem:
        return Problem(
            code="v2-chunks",
            where=self.where,
            variable=variable,
            what=f"chunks have the lengths {lengths_text(array.chunk_lengths)}, and in Zarr v2 all "
            "chunks have one shape",
            hint="choose zarr_format=3, or leave this variable out",
        )

    def _array_v3(self, path: str, array: ManifestArray) -> Node:
        attributes = self._attributes(path, array.attributes, array.dtype)
        document = array_document(array.metadata, attributes)
        document["dimension_names"] = _dimensions(path, array)
        document["chunk_key_encoding"] = {"name": "default", "configuration": {"separator": "/"}}
        return Node(path=path, documents={"zarr.json": document}, manifest=array.manifest)

    def _attributes(
        self, path: str, attributes: Mapping[str, Any], dtype: np.dtype[Any] | None
    ) -> dict[str, Any]:
        """Convert attributes; one that cannot be said is left out, which refuses nothing."""
        encoded = encode_attributes(attributes, dtype, where=self.where, variable=f"/{path}")
        self.problems.extend(replace(problem, severity="warning") for problem in encoded.problems)
        return encoded.values


def plan_references(
    group: ManifestGroup,
    *,
    where: str,
    zarr_format: ZarrFormat,
    refuse: Callable[[Node], list[Problem]] = lambda _: [],
) -> ReferencePlan:
    """Decide what a reference set of `group` and everything below it will hold.

    No chunk is read.

    Parameters
    ----------
    where
        The output, for problems.
    refuse
        What one output format has against a node.
    """
    planner = _Planner(where, zarr_format, refuse)
    planner.walk(group)
    return ReferencePlan(nodes=tuple(planner.nodes), problems=tuple(planner.problems))


def _zarray(array: ManifestArray, encoding: V2Encoding, fill_value: object) -> dict[str, Any]:
    document = {
        "zarr_format": 2,
        "shape": list(array.shape),
        # A reader divides by the chunk shape, also where the array is empty.
        "chunks": [max(size, 1) for size in array.chunk_shape],
        "dtype": encoding.dtype,
        "fill_value": fill_value,
        "order": encoding.order,
        "filters": [dict(codec) for codec in encoding.filters] or None,
        "compressor": None if encoding.compressor is None else dict(encoding.compressor),
        "dimension_separator": ".",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # A single document that zarr refuses would make the whole output unreadable.
        ArrayV2Metadata.from_dict(dict(document))
    return document


def _dimensions(path: str, array: ManifestArray) -> list[str]:
    """Return a name for every dimension: xarray opens nothing that lacks one."""
    names = array.metadata.dimension_names or (None,) * len(array.shape)
    own = path.rpartition("/")[2]
    return [f"{own}_dim_{i}" if name is None else name for i, name in enumerate(names)]


def _with_unwritten(manifest: ChunkManifest, chunk: bytes) -> ChunkManifest:
    """Put `chunk` inline wherever nothing is stored."""
    stored = manifest.stored()
    path_id = np.full(manifest.size, INLINE, dtype=np.uint32)
    offset = np.full(manifest.size, len(manifest.inlined), dtype=np.uint64)
    length = np.full(manifest.size, len(chunk), dtype=np.uint64)
    columns = ((path_id, stored.path_id), (offset, stored.offset), (length, stored.length))
    for column, values in columns:
        column[stored.position] = values
    return ChunkManifest.from_columns(
        manifest.grid_shape,
        files=manifest.files,
        path_id=path_id.reshape(manifest.grid_shape),
        offset=offset.reshape(manifest.grid_shape),
        length=length.reshape(manifest.grid_shape),
        inlined=(*manifest.inlined, chunk),
    )


def _problem_with_name(name: str) -> str:
    if not name or not name.strip("."):
        return f"the name {name!r} is not allowed in a Zarr hierarchy"
    if name in _RESERVED:
        return f"the name {name!r} is that of a metadata document of Zarr"
    if found := [character for character in "/\\\0" if character in name]:
        return f"the name {name!r} holds {found[0]!r}, which readers take for something else"
    return ""
