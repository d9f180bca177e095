"""Global heaps of which only the objects that are used are watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.file_bytes import FileBytes
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.watched import Log

__all__ = ["WatchedHeaps"]


@dataclass(slots=True, kw_only=True)
class WatchedHeaps(GlobalHeaps):
    """The heaps of a file while one of its groups is watched.

    Groups share heaps, and none has its objects in the same place of a heap: an object counts,
    not what surrounds it.
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
