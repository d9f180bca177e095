"""Learn from a file that was read how others that are alike can be read."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.readers.hdf5.attribute_values import INTERNAL, NOT_READ, Attributes, text_of
from zarrchive.readers.hdf5.attributes import heap_objects_of, listed_attributes
from zarrchive.readers.hdf5.castings import (
    KNOWN,
    GroupModel,
    VariableModel,
    cast,
    codecs_of_storage,
    own_attributes,
)
from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import VariableLength
from zarrchive.readers.hdf5.facts import Facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.hierarchy import Entry, explored, key_of
from zarrchive.readers.hdf5.layout_message import Chunked, Compact, Contiguous
from zarrchive.readers.hdf5.mould import AttributeSlot, Mould
from zarrchive.readers.hdf5.mould_making import Layout, mould_of
from zarrchive.readers.hdf5.objects import FileObject
from zarrchive.readers.hdf5.opened import OpenFile
from zarrchive.readers.hdf5.stored_models import stored_model
from zarrchive.readers.hdf5.variable import Variable
from zarrchive.readers.hdf5.watched import Unwatchable, Watched, WatchedFile

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from zarrchive.manifests import ManifestArray, ManifestGroup
    from zarrchive.readers.hdf5.attribute_messages import AttributeMessage
    from zarrchive.readers.hdf5.file_bytes import HeldBytes
    from zarrchive.readers.hdf5.hierarchy import Contents, Explored, Node
    from zarrchive.readers.hdf5.mould_making import Slot

__all__ = ["Learned", "learned"]

_LAYOUT = 0x08
_SHARED = 0x02
_VARIABLE_LENGTH = 9
_OF_HEADERS: Final = frozenset({"hdf5-name", "hdf5-unlimited-length"})
"""Codes of problems that names and shapes alone decide, which are the same in all files."""


class Learned(NamedTuple):
    """A mould, and the hierarchy that a file has which fits it."""

    mould: Mould
    groups: tuple[GroupModel, ...]


def learned(
    file: OpenFile, data: HeldBytes, group: str | None, found: Explored, root: ManifestGroup
) -> Learned:
    """Return what was learned of a file.

    It is read once more, watched; and once more by what was learned, which must give the same.

    Parameters
    ----------
    file, data
        The open file.
    group
        Group from which its hierarchy was read.
    found, root
        What was read.

    Raises
    ------
    Unwatchable
        Where it cannot be told which bytes decided how it was read.
    """
    models = tuple(_models(file, data.data, found, root))
    watched = WatchedFile(data)
    again = OpenFile(
        source=file.source,
        inline=file.inline,
        data=watched,
        superblock=file.superblock,
        is_parsed=True,
        heaps=GlobalHeaps(file.superblock),
        largest_run=file.largest_run,
    )
    seen = run(explored(again, group), watched)
    anew = {one.address for model in models for one in model.variables if one.stored is None}
    places = list(_slots(again, watched, seen, anew))
    # What stands for two things is the same in all files, or they are not alike.
    once = Counter(place for place, _ in places)
    slots = {place: slot for place, slot in places if once[place] == 1}
    if again.left_to_h5py:
        raise Unwatchable("h5py was asked")
    mould = mould_of(data.data, file.superblock, watched.log, slots)
    taken = mould.taken_of(data.data, file.superblock)
    if taken is None or taken.changed or cast(models, file, taken) != root:
        raise Unwatchable("not everything was seen")
    return Learned(mould, models)


def _slots(
    file: OpenFile, watched: WatchedFile, seen: Explored, anew: set[int]
) -> Iterator[tuple[tuple[int, int], Slot]]:
    """Yield what is looked at anew in each file, by first byte and byte behind the last.

    Those are values of attributes, and the layout of datasets that are decided `anew`.
    """
    for address in seen.contents.attributes:
        one = seen.scan.by_address[address]
        if not isinstance(one, FileObject) or one.messages is None:
            raise Unwatchable("an object was not understood")
        if address in anew:
            yield _place(_layout_of(one)), Layout(address)
        listed = run(listed_attributes(file, one), watched)
        may_be_scale = any(message.name == b"CLASS" for message in listed)
        for message in listed:
            name = text_of(message.name, "", Attributes())
            if message.datatype[0] & 0x0F == _VARIABLE_LENGTH:
                text = None if name in INTERNAL else _text_in_heap(file, message)
                if text is not None:
                    yield _place(text), AttributeSlot(address, name, bytes(text), None)
            elif name in NOT_READ or (name == "_Netcdf4Coordinates" and not may_be_scale):
                watched.log.unread.add(_place(message.data))
            elif name not in INTERNAL and message.body is not None and message.data:
                plain = _unwatched(message)
                yield _place(message.data), AttributeSlot(address, name, plain.data, plain)


def _text_in_heap(file: OpenFile, message: AttributeMessage) -> bytes | None:
    """Return where the one text is that an attribute has; None for any other value."""
    datatype, shape = parse_datatype(message.datatype), message.extent.shape
    if not isinstance(datatype, VariableLength) or not datatype.is_string:
        return None
    if shape is None or prod(shape) != 1:
        return None
    ((_, data),) = heap_objects_of(file, message, 1)
    return data or None


def _layout_of(one: FileObject) -> bytes:
    """Return the body of the layout message of a dataset."""
    for message in one.messages or ():
        if message.kind == _LAYOUT and not message.flags & _SHARED:
            return message.body
    raise Unwatchable("its layout message is missing, or kept elsewhere")


def _place(data: bytes) -> tuple[int, int]:
    if not isinstance(data, Watched):
        raise Unwatchable("bytes were not used as they are in the file")
    return data.place, data.place + len(data)


def _unwatched(message: AttributeMessage) -> AttributeMessage:
    """Return a message that holds on to nothing."""
    name, datatype, data = bytes(message.name), bytes(message.datatype), bytes(message.data)
    return message._replace(name=name, datatype=datatype, data=data, body=None)


def _models(
    file: OpenFile, data: bytes | mmap.mmap, found: Explored, root: ManifestGroup
) -> Iterator[GroupModel]:
    """Yield the groups of a hierarchy; parents come before their children."""
    numbers: dict[int, int] = {}
    groups: dict[int, ManifestGroup] = {}
    names = {id(one): name for node in found.nodes for name, one in node.children.items()}
    for number, node in enumerate(found.nodes):
        group, parent, name = root, -1, ""
        if node.parent is not None:
            above = groups[id(node.parent)]
            name = names[id(node)]
            group, parent = above.groups[name], numbers[id(node.parent)]
        if any(one.code not in _OF_HEADERS for one in group.problems):
            raise Unwatchable("something is wrong with it")
        numbers[id(node)], groups[id(node)] = number, group
        yield GroupModel(
            parent=parent,
            name=name,
            address=node.group.address,
            attributes=group.attributes,
            own=own_attributes(group.attributes),
            problems=group.problems,
            variables=tuple(_variables(file, found.contents, node, group, data)),
        )


def _variables(
    file: OpenFile, contents: Contents, node: Node, group: ManifestGroup, data: bytes | mmap.mmap
) -> Iterator[VariableModel]:
    names = iter(node.variables)
    for entry in node.entries:
        if not isinstance(entry, Entry):
            if entry[1].code not in _OF_HEADERS:
                raise Unwatchable("something is wrong with a link")
            continue
        key = key_of(file, contents, entry)
        variable, facts = contents.variables[key], contents.facts[entry.address]
        if isinstance(variable, Variable) and isinstance(facts, Facts):
            array = group.arrays[next(names)]
            yield _variable(facts, variable, array, data, is_wanted=key[1])


def _variable(
    facts: Facts,
    variable: Variable,
    array: ManifestArray,
    data: bytes | mmap.mmap,
    *,
    is_wanted: bool,
) -> VariableModel:
    layout = facts.layout
    if (
        facts.is_told_by_h5py
        or facts.external is not None
        or facts.kind.is_vlen_string
        or not isinstance(layout, Compact | Contiguous | Chunked)
    ):
        raise Unwatchable("its values are elsewhere")
    known = {name: getattr(facts, name) for name in KNOWN}
    storage = variable.storage
    is_grown = variable.shape != array.shape
    return VariableModel(
        address=facts.address,
        layout=layout,
        known=known,
        is_wanted=is_wanted,
        chunk_shape=storage.chunk_shape,
        codecs=codecs_of_storage(storage),
        stored=None if is_grown else stored_model(facts, storage, data),
        array=array.referring(ChunkManifest.empty(array.manifest.grid_shape)),
        own=own_attributes(array.attributes),
    )
