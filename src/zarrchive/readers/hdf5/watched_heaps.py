"""Global heaps of which only the objects that are used are watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.requests import Trouble
from zarrchive.readers.hdf5.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.file_bytes import FileBytes
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.watched import Log

__all__ = ["WatchedHeaps", "place_in_heap"]


@dataclass(slots=True, kw_only=True)
class WatchedHeaps(GlobalHeaps):
    """The heaps of a file that is watched, where an object counts, and not what surrounds it.

    Groups of a file share heaps, and none has its objects in the same place of one; and where
    values of variables are texts, they are in the heaps of attributes.
    """

    heaps: GlobalHeaps
    """Those of the file."""
    data: FileBytes
    """The file, not watched."""
    log: Log

    def load(self, addresses: Iterable[int]) -> Steps[None]:
        run(self.heaps.load(addresses), self.data)
        yield from ()

    def placed(self, address: int, index: int) -> tuple[int, bytes]:
        place, data = self.heaps.placed(address, index)
        self.log.looked_at.append((place, place, place + len(data)))
        return place, Watched(data, place, self.log)


def place_in_heap(
    file: OpenFile, data: FileBytes, heap: int, number: int, nbytes: int
) -> int | None:
    """Return the place of an object of a global heap; None unless it has so many bytes."""
    heaps = file.heaps
    if heap in {0, file.superblock.undefined}:
        return None
    try:
        if heap not in heaps:
            run(heaps.load((heap,)), data)
        place, found = heaps.placed(heap, number)
    except Trouble:
        return None
    return place if len(found) == nbytes else None
