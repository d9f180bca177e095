"""Objects as h5py tells them, where their structures are not understood here.

Slower, and rarely needed: what the HDF5 library understands and the parsers do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h5py import h5, h5d, h5g, h5l, h5o

from zarrchive.errors import FormatError
from zarrchive.readers.hdf5.layout_message import Compact, Contiguous, Virtual
from zarrchive.readers.hdf5.links import EXTERNAL, HARD, SOFT, Link
from zarrchive.readers.hdf5.objects import FileObject
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason, damaged
from zarrchive.readers.hdf5.requests import Damaged

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.layout_message import Layout
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Trouble

__all__ = ["address_of", "layout_by_h5py", "links_by_h5py", "object_by_h5py", "open_object"]


def object_by_h5py(
    file: OpenFile, address: int, path: bytes, trouble: Trouble
) -> FileObject | Reason:
    """Open the object at `address` by a path that leads to it, and list its links.

    Returns why it cannot be read where HDF5 does not understand it either.
    """
    file.leave(path.decode("utf-8", "replace"), trouble)
    try:
        opened = open_object(file, path)
        if address_of(opened) != address:
            raise ValueError(f"its path leads to another object than address {address}")
        if isinstance(opened, h5g.GroupID):
            return FileObject(address, path, "group", None, _links(opened))
    except FormatError as error:
        return damaged(error, f"this object ({trouble})")
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        return damaged(error, f"this object ({trouble})")
    kind = "dataset" if isinstance(opened, h5d.DatasetID) else "datatype"
    return FileObject(address, path, kind, None)  # type: ignore[arg-type]


def links_by_h5py(file: OpenFile, address: int, path: bytes, trouble: Trouble) -> list[Link]:
    """List the links of a group; the rest of it is understood here.

    Raises `Damaged` where HDF5 does not understand them either.
    """
    file.leave(path.decode("utf-8", "replace"), trouble)
    try:
        opened = open_object(file, path)
        if address_of(opened) != address or not isinstance(opened, h5g.GroupID):
            raise ValueError(f"its path leads to another object than address {address}")
        return _links(opened)
    except (FormatError, *H5PY_ERRORS) as error:
        raise_if_ours(error)
        words = " ".join(str(error).split())
        raise Damaged(f"its links cannot be read ({trouble}; HDF5 says: {words})") from error


def open_object(file: OpenFile, path: bytes) -> h5o.ObjectID:
    """Open the group or dataset at a path; what h5py raises is in `H5PY_ERRORS`."""
    return h5o.open(file.fid, path)


def address_of(opened: h5g.GroupID | h5d.DatasetID) -> int:
    """Return the address of the object header of an open object."""
    low, high = h5g.get_objinfo(opened).objno
    return int(low | high << 32)  # two C longs; where those have 64 bits, the second is zero


def _links(group: h5g.GroupID) -> list[Link]:
    """Return the links of a group, in order of creation where the file has kept it."""
    links: list[Link] = []

    def take(name: bytes, info: h5l.LinkInfo) -> None:
        order = info.corder if info.corder_valid else -1
        if info.type == h5l.TYPE_HARD:
            links.append(Link(name, HARD, info.u, order=order))
        elif info.type == h5l.TYPE_SOFT:
            links.append(Link(name, SOFT, target=group.links.get_val(name), order=order))
        elif info.type == h5l.TYPE_EXTERNAL:
            other, path = group.links.get_val(name)
            links.append(Link(name, EXTERNAL, target=path, file=other, order=order))
        else:
            links.append(Link(name, info.type, order=order))

    group.links.iterate(take, info=True, idx_type=h5.INDEX_NAME)
    if all(link.order >= 0 for link in links):
        links.sort(key=lambda link: link.order)
    return links


def layout_by_h5py(dataset: h5d.DatasetID, plist: Any) -> Layout | None:  # noqa: ANN401 - h5py is untyped
    """Return where the values of an open dataset are; None for chunked ones."""
    layout = plist.get_layout()
    if layout == h5d.CHUNKED:
        return None
    if layout == h5d.CONTIGUOUS:
        stored = dataset.get_storage_size()
        # With a user block HDF5 reports an offset even where nothing is stored.
        offset = dataset.get_offset() if stored else None
        return Contiguous(offset, stored)
    return Virtual() if layout == h5d.VIRTUAL else Compact(b"")
