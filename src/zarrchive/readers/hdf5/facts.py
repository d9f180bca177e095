"""What is known of a dataset before its values are looked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from zarrchive.errors import FormatError
from zarrchive.readers.hdf5.creation_messages import NO_FILL, Fill, fill_of, filters_in
from zarrchive.readers.hdf5.dataspace import extent_of
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.layout_message import Chunked, layout_of
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.pipeline import filters_of
from zarrchive.readers.hdf5.problems import H5PY_ERRORS
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Damaged, NotUnderstood, Trouble, together
from zarrchive.readers.hdf5.shared_message import body_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h5py import h5d, h5p

    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.datatypes import DataType
    from zarrchive.readers.hdf5.layout_message import Layout
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.objects import FileObject
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.pipeline import Filter
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["Facts", "read_facts"]

_DATASPACE, _DATATYPE, _OLD_FILL, _FILL = 0x01, 0x03, 0x04, 0x05
_EXTERNAL_FILES, _LAYOUT, _FILTERS = 0x07, 0x08, 0x0B
_USER_DEFINED = 2  # H5D_FILL_VALUE_USER_DEFINED
_READ = frozenset({_DATASPACE, _DATATYPE, _OLD_FILL, _FILL, _EXTERNAL_FILES, _LAYOUT, _FILTERS})


@dataclass(slots=True, eq=False, kw_only=True)
class Facts:
    """A dataset, looked at once; nothing of its chunk index was read."""

    file: OpenFile
    address: int
    """Of the object header, without the user block."""
    path: bytes
    """A path that leads to it."""
    datatype: bytes
    """Body of the datatype message."""
    kind: DataType
    shape: tuple[int, ...] | None
    """Extent of the dataspace; None for a null dataspace."""
    max_shape: tuple[int | None, ...]
    """Greatest extent; None: unlimited."""
    layout: Layout | None
    """None for chunked datasets whose index is left to h5py."""
    chunk_shape: tuple[int, ...] | None
    """None unless the layout is chunked."""
    filters: tuple[Filter, ...] = ()
    fill: Fill = NO_FILL
    external: bytes | None = None
    """Body of the message that says in which other files the values are; empty where h5py told
    that there are some."""
    is_told_by_h5py: bool = False
    """Whether h5py was asked, because a message is not understood here; `fill` has no value then,
    only whether there is one."""
    table: ChunkTable | None = None
    """Its chunks, where they were listed with those of other datasets."""
    _dataset: h5d.DatasetID | None = field(default=None, repr=False)

    @property
    def full_shape(self) -> tuple[int, ...]:
        """Extent, with the dimensions inside of each element at the end."""
        return (self.shape or ()) + self.kind.inner

    @property
    def itemsize(self) -> int:
        """Bytes of one element of the dataspace, as the values that h5py reads."""
        dtype = self.kind.dtype
        return 0 if dtype is None else dtype.itemsize * prod(self.kind.inner)

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return prod(self.shape or ()) * self.itemsize

    @property
    def dataset(self) -> h5d.DatasetID:
        """The dataset as h5py has it, opened on first use."""
        if self._dataset is None:
            from zarrchive.readers.hdf5.by_h5py import open_object

            self._dataset = open_object(self.file, self.path)
        return self._dataset

    @property
    def plist(self) -> h5p.PropDCID:
        """How it was created, as h5py tells it."""
        return self.dataset.get_create_plist()


def read_facts(file: OpenFile, objects: Sequence[FileObject]) -> Steps[list[Facts | Trouble]]:
    """Look at datasets; those whose messages are not understood are left to h5py.

    In place of a dataset that is damaged, or that HDF5 does not understand either, is a `Trouble`.
    """
    found = yield from together(_parsed(file, one) for one in objects)
    return [
        _by_h5py(file, obj, one) if isinstance(one, NotUnderstood) else one
        for obj, one in zip(objects, found, strict=True)
    ]


def _parsed(file: OpenFile, obj: FileObject) -> Steps[Facts]:
    if obj.messages is None:
        raise NotUnderstood("its object header is left to h5py")
    bodies: dict[int, bytes] = {}
    for message in _those_read(obj.messages):
        bodies[message.kind] = yield from body_of(file.superblock, message)
    if _LAYOUT not in bodies:
        raise Damaged("its object header says nothing of where its values are")
    extent = extent_of(bodies[_DATASPACE], file.superblock.length_size)
    layout = layout_of(file.superblock, bodies[_LAYOUT])
    datatype = bodies[_DATATYPE]
    kind, element_size = data_type(datatype), int.from_bytes(datatype[4:8], "little")
    chunk_shape = None
    if isinstance(layout, Chunked):
        chunk_shape = layout.chunk_shape
        if len(chunk_shape) != len(extent.shape or ()):
            raise Damaged(f"it has shape {extent.shape}, but chunks of {chunk_shape}")
        if layout.element_size != element_size:
            raise Damaged(
                f"its elements have {element_size} bytes, those of its chunks {layout.element_size}"
            )
    return Facts(
        file=file,
        address=obj.address,
        path=obj.path,
        datatype=datatype,
        kind=kind,
        shape=extent.shape,
        max_shape=extent.max_shape,
        layout=layout,
        chunk_shape=chunk_shape,
        filters=filters_in(bodies[_FILTERS]) if _FILTERS in bodies else (),
        fill=_fill(bodies),
        external=bodies.get(_EXTERNAL_FILES),
    )


@lru_cache(maxsize=2**13)
def _those_read(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the first message of each kind that is read here."""
    found: dict[int, Message] = {}
    for message in messages:
        if message.kind in _READ:
            found.setdefault(message.kind, message)
    return tuple(found.values())


def _fill(bodies: dict[int, bytes]) -> Fill:
    kind = _FILL if _FILL in bodies else _OLD_FILL
    return fill_of(kind, bodies[kind]) if kind in bodies else NO_FILL


def _by_h5py(file: OpenFile, obj: FileObject, trouble: Trouble) -> Facts | Trouble:
    if obj.messages is not None:
        file.leave(obj.path.decode("utf-8", "replace"), trouble)
    try:
        return _told_by_h5py(file, obj)
    except (FormatError, *H5PY_ERRORS, *PARSE_ERRORS) as error:
        raise_if_ours(error)
        words = " ".join(str(error).split())
        return Damaged(f"{trouble}; HDF5 says: {words}")


def _told_by_h5py(file: OpenFile, obj: FileObject) -> Facts:
    from h5py import h5d, h5s

    from zarrchive.readers.hdf5.by_h5py import layout_by_h5py, open_object

    dataset: Any = open_object(file, obj.path)
    datatype = dataset.get_type().encode()[2:]
    space, plist = dataset.get_space(), dataset.get_create_plist()
    shape: tuple[int, ...] | None = None
    max_shape: tuple[int | None, ...] = ()
    if space.get_simple_extent_type() != h5s.NULL:
        shape = space.get_simple_extent_dims()
        limits = space.get_simple_extent_dims(True)
        max_shape = tuple(None if n in {None, h5s.UNLIMITED} else n for n in limits)
    is_never = plist.get_fill_time() == h5d.FILL_TIME_NEVER
    return Facts(
        file=file,
        address=obj.address,
        path=obj.path,
        datatype=datatype,
        kind=data_type(datatype),
        shape=shape,
        max_shape=max_shape,
        layout=layout_by_h5py(dataset, plist),
        chunk_shape=plist.get_chunk() if plist.get_layout() == h5d.CHUNKED else None,
        filters=filters_of(plist),
        fill=Fill(b"?" if plist.fill_value_defined() == _USER_DEFINED else None, is_never),
        is_told_by_h5py=True,
        external=b"" if plist.get_external_count() else None,
        _dataset=dataset,
    )
