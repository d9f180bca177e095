"""Read a file as others that are alike were read, where there were such; else in full."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

from zarrchive.errors import ZarrchiveError
from zarrchive.readers.hdf5.castings import cast
from zarrchive.readers.hdf5.file_bytes import HeldBytes, run
from zarrchive.readers.hdf5.hierarchy import explored, mapped
from zarrchive.readers.hdf5.learning import learned
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.scan import Entangled
from zarrchive.readers.hdf5.siblings import Siblings
from zarrchive.readers.hdf5.watched import Unwatchable
from zarrchive.readers.hdf5.watched_heaps import place_in_heap

if TYPE_CHECKING:
    from collections.abc import Hashable

    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.hdf5.hierarchy import Explored
    from zarrchive.readers.hdf5.learning import Learned
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["forget", "read_file"]

_MOST: Final = 16
"""Moulds that are kept."""
_MOST_MISSES: Final = 64
"""Files in a row that are not alike, after which a mould is given up."""
_FEW_OBJECTS: Final = 64
"""Of a file that is learned from when it is the second of its kind."""
_MOST_KINDS: Final = 64
"""Kinds of files that are counted."""

_Choices: TypeAlias = "tuple[str | None, frozenset[str] | None, int | None]"
"""Group, arrays whose values are wanted, and bytes of the longest run."""


@dataclass(slots=True, eq=False)
class _Kept:
    """A mould that is kept."""

    choices: _Choices
    learned: Learned
    misses: int = 0
    """Files in a row that were not alike."""


@dataclass(slots=True)
class _Store:
    """What this process knows of the files that it has read."""

    lock: Lock = field(default_factory=Lock)
    moulds: tuple[_Kept, ...] = ()
    """The last that fitted comes first."""
    counts: OrderedDict[Hashable, int] = field(default_factory=OrderedDict)
    """Files that were read in full, by kind."""

    def used(self, kept: _Kept) -> None:
        """Take note that a file was alike."""
        kept.misses = 0
        if self.moulds[:1] != (kept,):
            with self.lock:
                others = (one for one in self.moulds if one is not kept)
                self.moulds = (kept, *others)[:_MOST]

    def missed(self, kept: _Kept) -> None:
        """Take note that a file was not alike."""
        kept.misses += 1
        if kept.misses >= _MOST_MISSES:
            with self.lock:
                self.moulds = tuple(one for one in self.moulds if one is not kept)

    def add(self, kept: _Kept) -> None:
        """Keep a mould."""
        with self.lock:
            self.moulds = (kept, *self.moulds)[:_MOST]

    def is_worth_learning(self, kind: Hashable, n_objects: int) -> bool:
        """Count a file; whether it is the second, fourth, eighth and so on of its kind.

        Learning takes as long as reading a few files: less and less often where it was in vain,
        and later where it takes a noticeable time.
        """
        with self.lock:
            count = self.counts[kind] = self.counts.pop(kind, 0) + 1
            if len(self.counts) > _MOST_KINDS:
                self.counts.popitem(last=False)
        times, rest = divmod(count, max(1, n_objects // _FEW_OBJECTS))
        return times > 1 and not rest and not times & (times - 1)


_STORE: Final = _Store()


def forget() -> None:
    """Forget all files that were read."""
    with _STORE.lock:
        _STORE.moulds = ()
        _STORE.counts.clear()


def read_file(file: OpenFile, group: str | None) -> ManifestGroup:
    """Map the hierarchy of `file` from the root, or from `group` down.

    Raises `FormatError` with code ``hdf5-no-group`` or ``hdf5-damaged``.
    """
    choices = (group, file.inline, file.largest_run)
    if not file.is_parsed or not isinstance(file.data, HeldBytes):
        return run(mapped(file, run(explored(file, group), file.data)), file.data)
    alike = _alike(file, file.data, choices)
    if alike is not None:
        return alike
    found, root = _read(file, file.data, group)
    n_objects = len(found.scan.by_address.keys() | found.scan.claimed)
    if not file.left_to_h5py and _STORE.is_worth_learning((choices, _kind(root)), n_objects):
        # The file was read, whatever learning runs into.
        with suppress(Unwatchable, ZarrchiveError, Trouble, *PARSE_ERRORS):
            if found.scan.claimed:
                found = run(explored(file, group), file.data)
                run(mapped(file, found), file.data)
            _STORE.add(_Kept(choices, learned(file, file.data, group, found, root)))
    return root


def _read(file: OpenFile, data: HeldBytes, group: str | None) -> tuple[Explored, ManifestGroup]:
    """Read a file by itself; groups of it that are alike as one of them, where that is all."""
    siblings = Siblings(file, data)
    with suppress(Entangled):
        found = run(explored(file, group, siblings=siblings), data)
        root = run(mapped(file, found), data)
        if not found.scan.claimed or siblings.agree_with(found.nodes, root):
            file.claimed = set()  # what is read of the file after this is no part of it
            return found, root
    file.left_to_h5py.clear()
    found = run(explored(file, group), data)
    return found, run(mapped(file, found), data)


def _alike(file: OpenFile, data: HeldBytes, choices: _Choices) -> ManifestGroup | None:
    """Read a file as another that is alike; None where there is none."""
    for kept in _STORE.moulds:
        if kept.choices != choices:
            continue
        in_heap = partial(place_in_heap, file, data)
        taken = kept.learned.mould.taken_of(data.data, file.superblock, in_heap)
        found = None if taken is None else cast(kept.learned.groups, file, taken)
        if found is not None:
            _STORE.used(kept)
            return found
        _STORE.missed(kept)
        file.left_to_h5py.clear()  # of a reading that is not used
    return None


def _kind(root: ManifestGroup) -> Hashable:
    """Return what files of a series have in common."""
    return tuple((path, array.shape) for path, array in root.walk_arrays())
