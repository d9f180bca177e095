"""Learn from a file that was read how others that are alike can be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.readers.hdf5.attribute_values import INTERNAL, NOT_READ, Attributes, text_of
from zarrchive.readers.hdf5.attributes import (
    heap_objects_of,
    heap_references_of,
    listed_attributes,
)
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
from zarrchive.readers.hdf5.header_parts import watched_messages
from zarrchive.readers.hdf5.hierarchy import explored, key_of, mapped
from zarrchive.readers.hdf5.layout_message import Chunked, Compact, Contiguous
from zarrchive.readers.hdf5.mould import AttributeSlot, HeapObject, Mould
from zarrchive.readers.hdf5.mould_making import Layout, mould_of
from zarrchive.readers.hdf5.nodes import Entry
from zarrchive.readers.hdf5.objects import FileObject
from zarrchive.readers.hdf5.opened import OpenFile
from zarrchive.readers.hdf5.scale_names import Outside
from zarrchive.readers.hdf5.stored_models import stored_model
from zarrchive.readers.hdf5.variable import Variable
from zarrchive.readers.hdf5.watched import Unwatchable, Watched, WatchedFile
from zarrchive.readers.hdf5.watched_heaps import WatchedHeaps, place_in_heap

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Iterator, Mapping

    from zarrchive.manifests import ManifestArray, ManifestGroup
    from zarrchive.readers.hdf5.attribute_messages import AttributeMessage
    from zarrchive.readers.hdf5.dimensions import Scale
    from zarrchive.readers.hdf5.file_bytes import HeldBytes
    from zarrchive.readers.hdf5.hierarchy import Contents, Explored
    from zarrchive.readers.hdf5.mould import Taken
    from zarrchive.readers.hdf5.mould_making import Slot
    from zarrchive.readers.hdf5.nodes import Node
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.requests import Steps, Trouble
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["Learned", "learned", "learned_of_group"]

_LAYOUT = 0x08
_SHARED = 0x02
_VARIABLE_LENGTH = 9
_NUMBERS: Final = frozenset({"_Netcdf4Dimid", "_Netcdf4Coordinates"})
"""Attributes with netCDF's numbers of dimensions, which coordinates of several dimensions need."""
_OF_HEADERS: Final = frozenset({"hdf5-name", "hdf5-unlimited-length"})
"""Codes of problems that names and shapes alone decide, which are the same in all files."""


class Learned(NamedTuple):
    """A mould, and the hierarchy that a file has which fits it."""

    mould: Mould
    groups: tuple[GroupModel, ...]
    objects: frozenset[int] = frozenset()
    """Addresses of groups and datasets, where that is part of a file."""


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
    heaps = GlobalHeaps(file.superblock)
    if any(one.known["kind"].is_vlen_string for model in models for one in model.variables):
        # Their values are in the heaps of attributes.
        heaps = WatchedHeaps(file.superblock, heaps=file.heaps, data=data, log=watched.log)
    again = _opened_again(file, watched, heaps)
    seen = run(explored(again, group), watched)
    mould = _mould(again, data, seen, models, file.superblock.root)
    in_heap = partial(place_in_heap, file, data)
    taken = mould.taken_of(data.data, file.superblock, in_heap)
    if taken is None or taken.changed or cast(models, file, taken) != root:
        raise Unwatchable("not everything was seen")
    return Learned(mould, models)


def learned_of_group(
    file: OpenFile,
    data: HeldBytes,
    at: tuple[int, bytes],
    paths: Mapping[int, bytes],
    start: Callable[[Mould, int], Taken | None],
) -> tuple[Learned, ManifestGroup]:
    """Return what was learned of a group and all below, for others in the file; and what it is.

    Parameters
    ----------
    file, data
        The open file.
    at
        Address and path of the group.
    paths
        Paths of objects outside of it, some of which may be scales of its dimensions.
    start
        Reads the group at an address by a mould.

    Raises
    ------
    Unwatchable
        Where it uses what is outside, or it cannot be told which bytes decided how it was read.
    """
    found = run(explored(file, None, at=at, outside=Outside(paths, {})), data)
    outer = _outer_scales(found.contents)
    root = run(mapped(file, found), data)
    if any(group.problems for _, group in root.walk()):
        raise Unwatchable("problems name their group")
    if found.contents.has_numbered_dimensions:
        raise Unwatchable("numbers of dimensions are those of the whole file")
    models = tuple(_models(file, data.data, found, root))
    watched = WatchedFile(data)
    heaps = WatchedHeaps(file.superblock, heaps=file.heaps, data=data, log=watched.log)
    again = _opened_again(file, watched, heaps)
    again.header = partial(_watched_header, watched)
    outside = Outside({}, outer)
    seen = run(explored(again, None, at=at, outside=outside), watched)
    mould = replace(_mould(again, data, seen, models, at[0]), outside=tuple(outer))
    taken = start(mould, at[0])
    if taken is None or taken.changed or cast(models, file, taken) != root:
        raise Unwatchable("not everything was seen")
    return Learned(mould, models, frozenset(seen.contents.attributes)), root


def _outer_scales(contents: Contents) -> dict[int, Scale]:
    """Return the dimension scales that are not in the group that was read."""
    known = contents.scales.by_address
    outer = {address: scale for address, scale in known.items() if address not in contents.facts}
    if any(scale.is_unlimited for scale in outer.values()):
        raise Unwatchable("the length of a dimension is that of the longest of all groups")
    return outer


def _watched_header(
    watched: WatchedFile, superblock: Superblock, address: int
) -> Steps[tuple[Message, ...]]:
    yield from ()
    return watched_messages(superblock, address, watched.data, watched.log)


def _opened_again(file: OpenFile, watched: WatchedFile, heaps: GlobalHeaps) -> OpenFile:
    return OpenFile(
        source=file.source,
        inline=file.inline,
        data=watched,
        superblock=file.superblock,
        is_parsed=True,
        heaps=heaps,
        largest_run=file.largest_run,
    )


def _mould(
    file: OpenFile,
    data: HeldBytes,
    seen: Explored,
    models: tuple[GroupModel, ...],
    start: int,
) -> Mould:
    """Return the mould of what was seen of a watched file from the group at `start` down."""
    watched = file.data
    if not isinstance(watched, WatchedFile):
        raise Unwatchable("it was not watched")
    anew = {one.address for model in models for one in model.variables if one.stored is None}
    places = list(_slots(file, watched, seen, anew))
    # What stands for two things is the same in all files, or they are not alike.
    once = Counter(place for place, _ in places)
    slots = {place: slot for place, slot in places if once[place] == 1}
    if file.left_to_h5py:
        raise Unwatchable("h5py was asked")
    return mould_of(data.data, file.superblock, start, watched.log, slots)


def _slots(
    file: OpenFile, watched: WatchedFile, seen: Explored, anew: set[int]
) -> Iterator[tuple[tuple[int, int], Slot]]:
    """Yield what is looked at anew in each file, by first byte and byte behind the last.

    Those are values of attributes, and the layout of datasets that are decided `anew`.
    """
    are_numbered = seen.contents.has_numbered_dimensions
    for address in seen.contents.attributes:
        one = seen.scan.by_address[address]
        if not isinstance(one, FileObject) or one.messages is None:
            raise Unwatchable("an object was not understood")
        if address in anew:
            yield _place(_layout_of(one)), Layout(address)
            yield from _fill_in_heap(file, seen.contents.facts[address])
        listed = run(listed_attributes(file, one), watched)
        may_be_scale = any(message.name == b"CLASS" for message in listed)
        for message in listed:
            name = text_of(message.name, "", Attributes())
            if message.datatype[0] & 0x0F == _VARIABLE_LENGTH:
                if isinstance(file.heaps, WatchedHeaps):
                    yield from _in_heaps(file, message)
                text = None if name in INTERNAL else _text_in_heap(file, message)
                if text is not None:
                    yield _place(text), AttributeSlot(address, name, bytes(text), None)
            elif (
                name in NOT_READ
                or (name in _NUMBERS and not are_numbered)
                or (name == "_Netcdf4Coordinates" and not may_be_scale)
            ):
                watched.log.unread.add(_place(message.data))
            elif name not in INTERNAL and message.body is not None and message.data:
                plain = _unwatched(message)
                yield _place(message.data), AttributeSlot(address, name, plain.data, plain)


def _in_heaps(
    file: OpenFile, message: AttributeMessage
) -> Iterator[tuple[tuple[int, int], HeapObject]]:
    """Yield where an attribute refers to objects of heaps: the address, and the number behind."""
    width = file.superblock.address_size
    start, _ = _place(message.data)
    for n, (length, heap, number) in enumerate(heap_references_of(message, width)):
        if length and heap:
            place, data = file.heaps.placed(heap, number)
            at = start + n * (width + 8) + 4
            yield (at, at + width + 4), HeapObject(place, len(data))


def _fill_in_heap(
    file: OpenFile, facts: Facts | Trouble
) -> Iterator[tuple[tuple[int, int], HeapObject]]:
    """Yield where the fill value of a dataset refers to a text in a heap."""
    value = facts.fill.value if isinstance(facts, Facts) and facts.kind.is_vlen_string else None
    width = file.superblock.address_size
    if value and any(value):
        heap = file.superblock.address(value, 4)
        number = int.from_bytes(value[4 + width :], "little")
        run(file.heaps.load((heap,)), file.data)
        place, data = file.heaps.placed(heap, number)
        start, stop = _place(value)
        yield (start + 4, stop), HeapObject(place, len(data))


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
        if node.group.cast is not None:
            raise Unwatchable("a group is in another file, or was read as another")
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
        if entry.linked is not None:
            raise Unwatchable("a dataset is in another file")
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
