"""The hierarchies of files that were read, so that each is read once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from zarrchive.combine.contents import Contents, walk_arrays
from zarrchive.readers.open import read_group

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from zarrchive.manifests import ManifestGroup

__all__ = ["Library"]

_LOOKED_AT: Final = 8


class Library:
    """Reads files, and remembers what it read; safe to use from several threads.

    A file is kept in two forms: as it lies (for looking at), and with the values of its
    dimension coordinates (for combining).
    """

    def __init__(self, storage_options: Mapping[str, Any] | None = None) -> None:
        self.storage_options = storage_options
        self._looks: OrderedDict[str, ManifestGroup] = OrderedDict()
        self._scans: dict[str, Contents] = {}
        self._reading: dict[str, Lock] = {}
        self._lock = Lock()

    def look(self, url: str) -> ManifestGroup:
        """Return the hierarchy of `url`, read if need be.

        Raises
        ------
        ZarrchiveError
            As `read_group`.
        """
        with self._lock:
            one_at_a_time = self._reading.setdefault(url, Lock())
        with one_at_a_time:
            with self._lock:
                if url in self._looks:
                    self._looks.move_to_end(url)
                    return self._looks[url]
            root = read_group(url, storage_options=self.storage_options)
            with self._lock:
                self._looks[url] = root
                while len(self._looks) > _LOOKED_AT:
                    self._reading.pop(self._looks.popitem(last=False)[0], None)
            return root

    def paths_of(self, url: str) -> list[str]:
        """Return the paths of the variables of `url`, if it has been looked at."""
        with self._lock:
            root = self._looks.get(url)
        return [] if root is None else [path for path, _ in walk_arrays(root)]

    def scan(self, url: str) -> Contents:
        """Return what `url` holds, for combining.

        Raises
        ------
        ZarrchiveError
            As `read_group`.
        """
        with self._lock:
            if url in self._scans:
                return self._scans[url]
        root = read_group(url, inline=None, storage_options=self.storage_options)
        contents = Contents(url, root, self.storage_options)
        with self._lock:
            self._scans[url] = contents
        return contents

    def keep_scans(self, urls: Collection[str]) -> None:
        """Forget the files that are no longer in the collection."""
        with self._lock:
            for url in [url for url in self._scans if url not in urls]:
                del self._scans[url]

    def clear(self) -> None:
        """Forget everything: files are read anew."""
        with self._lock:
            self._looks.clear()
            self._scans.clear()
            self._reading.clear()
