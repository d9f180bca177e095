"""A file as the hierarchy of another that is alike, with its own references and values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.manifests import ManifestGroup
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.readers.hdf5.attribute_values import Attributes, text_of
from zarrchive.readers.hdf5.attributes import decoded_value
from zarrchive.readers.hdf5.decision import decide
from zarrchive.readers.hdf5.facts import Facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.fill import fill_value
from zarrchive.readers.hdf5.layout_message import Chunked, layout_of
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.storage import Absent, Referenced, Refused
from zarrchive.readers.hdf5.stored_models import OtherFile
from zarrchive.readers.hdf5.variable import grown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.errors import Problem
    from zarrchive.manifests import ChunkManifest, ManifestArray
    from zarrchive.readers.hdf5.layout_message import Layout
    from zarrchive.readers.hdf5.mould import AttributeSlot, Taken
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.storage import Storage
    from zarrchive.readers.hdf5.stored_models import StoredModel

__all__ = [
    "KNOWN",
    "GroupModel",
    "VariableModel",
    "cast",
    "codecs_of_storage",
    "own_attributes",
]


KNOWN: Final = (
    "path",
    "datatype",
    "kind",
    "shape",
    "max_shape",
    "chunk_shape",
    "filters",
    "fill",
)
"""What `Facts` of alike datasets have in common."""


class VariableModel(NamedTuple):
    """A variable of the file that the mould was made of."""

    address: int
    layout: Layout
    known: Mapping[str, Any]
    """`KNOWN` fields of its `Facts`."""
    is_wanted: bool
    """Whether its values are kept."""
    chunk_shape: tuple[int, ...]
    codecs: tuple[CodecDocument, ...]
    stored: StoredModel | None
    """How its values are found; None where that is decided anew."""
    array: ManifestArray
    """Without any references."""
    own: tuple[str, ...]
    """Names of attributes of which each file needs its own."""


class GroupModel(NamedTuple):
    """A group of that file."""

    parent: int
    """Number of the group above it; -1 for the first."""
    name: str
    address: int
    attributes: Mapping[str, Any]
    own: tuple[str, ...]
    """Names of attributes of which each file needs its own."""
    problems: tuple[Problem, ...]
    """What the headers alone say; of each file that is alike."""
    variables: tuple[VariableModel, ...]


def cast(models: tuple[GroupModel, ...], file: OpenFile, taken: Taken) -> ManifestGroup | None:
    """Return the hierarchy of a file that is alike; None where something of it is not."""
    changed = _changed(taken)
    if changed is None:
        return None
    below: list[dict[str, ManifestGroup]] = [{} for _ in models]
    found = None
    for number in range(len(models) - 1, -1, -1):
        model = models[number]
        arrays = {}
        for one in model.variables:
            array = _array(one, file, taken, changed.get(one.address))
            if array is None:
                return None
            arrays[array.name] = array
        found = ManifestGroup(
            arrays=arrays,
            groups=dict(reversed(below[number].items())),
            attributes=_attributes(model.attributes, model.own, changed.get(model.address)),
            problems=tuple(replace(one, where=file.where) for one in model.problems),
        )
        if model.parent >= 0:
            below[model.parent][model.name] = found
    return found


def _changed(taken: Taken) -> dict[int, dict[str, Any]] | None:
    """Decode attributes with other values; None where one has no such value."""
    changed: dict[int, dict[str, Any]] = {}
    for slot, data in taken.changed:
        found = Attributes()
        try:
            value = _value(slot, data, found)
        except (Trouble, *PARSE_ERRORS):
            return None
        if value is None or found.reasons:
            return None
        changed.setdefault(slot.address, {})[slot.name] = value
    return changed


def _value(slot: AttributeSlot, data: bytes, found: Attributes) -> object:
    if slot.message is None:
        return text_of(data.partition(b"\0")[0], slot.name, found)
    return decoded_value(slot.message._replace(data=data), slot.name, found)


def _attributes(
    values: Mapping[str, Any], own: tuple[str, ...], changed: dict[str, Any] | None
) -> Mapping[str, Any]:
    """Return attributes with other values; those with the names `own` become the file's own."""
    if changed is None and not own:
        return values
    return {**values, **{name: values[name].copy() for name in own}, **(changed or {})}


def own_attributes(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of attributes that can be changed, so that each file needs its own."""
    return tuple(name for name, one in values.items() if isinstance(one, np.ndarray | list))


def _array(
    model: VariableModel, file: OpenFile, taken: Taken, changed: dict[str, Any] | None
) -> ManifestArray | None:
    array, stored = model.array, model.stored
    if stored is None:
        manifest = _decided(model, file, taken)
    else:
        other = OtherFile(taken.data, file.source.file)
        grid = array.manifest.grid_shape
        manifest = stored.manifest(other, grid, taken.moved[stored.address])
    if manifest is None:
        return None
    attributes = _attributes(array.attributes, model.own, changed)
    if attributes is array.attributes:
        return array.referring(manifest)
    return array.replaced(changed_metadata(array.metadata, attributes=attributes), manifest)


def _decided(model: VariableModel, file: OpenFile, taken: Taken) -> ChunkManifest | None:
    """Decide how the values of a dataset are had; None where they need other metadata."""
    layout = _layout(model, file, taken)
    if layout is None:
        return None
    address = taken.moved[model.address]
    facts = Facts(file=file, address=address, layout=layout, **model.known)
    storage = run(decide(facts, is_wanted=model.is_wanted), file.data)
    if (
        isinstance(storage, Refused)
        or storage.chunk_shape != model.chunk_shape
        or codecs_of_storage(storage) != model.codecs
        or storage.caution is not None
        or (storage.nmissing and not facts.kind.is_vlen_string and fill_value(facts) is None)
    ):
        return None
    nothing = model.array.manifest
    if isinstance(storage, Absent):
        return nothing
    return grown(storage.manifest, nothing.grid_shape)


def codecs_of_storage(storage: Storage) -> tuple[CodecDocument, ...]:
    """Return what makes values of stored chunks."""
    return storage.codecs if isinstance(storage, Referenced) else ()


def _layout(model: VariableModel, file: OpenFile, taken: Taken) -> Layout | None:
    """Return where the values of a dataset are; None where it is laid out in another way."""
    try:
        layout = layout_of(file.superblock, taken.layouts[model.address])
    except (Trouble, *PARSE_ERRORS):
        return None
    if type(layout) is not type(model.layout):
        return None
    if isinstance(layout, Chunked) and isinstance(model.layout, Chunked):
        same = replace(model.layout, address=layout.address, single=layout.single)
        return layout if layout == same else None
    return layout
