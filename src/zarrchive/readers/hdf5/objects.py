"""What is known of the objects of a file once their headers were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.hdf5.links import Link
    from zarrchive.readers.hdf5.object_header import Message

__all__ = ["FileObject", "Kind", "NotThere"]

Kind: TypeAlias = Literal["group", "dataset", "datatype"]


@dataclass(slots=True)
class FileObject:
    """One object of the file."""

    address: int
    path: bytes
    """A path that leads to it."""
    kind: Kind
    messages: tuple[Message, ...] | None
    """Of its header; None where h5py has to tell."""
    links: list[Link] = field(default_factory=list)
    cast: ManifestGroup | None = None
    """What a group is that was read as another; messages and links are not known then."""
    _by_name: dict[bytes, Link] = field(default_factory=dict)

    def link(self, name: bytes) -> Link | None:
        """Return the link of a group with a name."""
        if not self._by_name:
            self._by_name = {link.name: link for link in self.links}
        return self._by_name.get(name)


@dataclass(frozen=True, slots=True)
class NotThere:
    """A path that leads nowhere in this file."""

    why: str
    external: Link | None = None
    """The link into another file that it means, with the rest of the path."""
