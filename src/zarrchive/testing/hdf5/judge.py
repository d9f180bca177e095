"""h5py as the judge of a reader: one walk over a file and over what the reader made of it.

Whatever differs must carry a Problem with that path. Only public behaviour is looked at: the
`ManifestGroup`, and the values that zarr reads through a `ManifestStore` over it.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import h5py
import numpy as np
import zarr
from h5py import h5, h5d, h5g, h5l, h5o

from zarrchive.manifests.store import ManifestStore
from zarrchive.testing.hdf5.judged_attributes import attribute_differences, is_pure_dimension
from zarrchive.testing.hdf5.judged_chunks import chunk_differences, suspects
from zarrchive.testing.hdf5.judged_values import ValueComparison
from zarrchive.testing.hdf5.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["judge"]

_NOT_COORDINATE: Final = "_nc4_non_coord_"
"""What netCDF-C puts before the name of a variable that is no coordinate, and readers remove."""
_ABOUT_VALUES: Final = frozenset({"hdf5-string-padding"})
"""Warnings after which values may differ."""
_LITTLE: Final = 2**16
"""Bytes that are read only to see whether h5py can."""
_MOST_GROUPS: Final = 5000
"""Groups compared, however many ways links lead to them."""


def judge(
    path: str | PathLike[str],
    group: ManifestGroup,
    *,
    most_chunks: int = 40,
    is_damaged: bool = False,
) -> Verdict:
    """Compare everything in a file with what a reader made of it.

    Parameters
    ----------
    path
        The file.
    group
        What the reader returned for its root.
    most_chunks
        Chunks of one variable that are read through zarr, which takes 0.3 ms for each; of
        more, a sample is. Their byte ranges are compared in any case.
    is_damaged
        Whether h5py itself may fail. What it refuses is to be refused by the reader then
        (``accepted`` otherwise); else it cannot judge it.
    """
    try:
        file = h5py.File(path, "r")
    except Exception as error:  # noqa: BLE001 - h5py raises what it likes on damaged files
        return _refused_by_h5py(group, error)
    with file, ManifestStore(group) as store, warnings.catch_warnings():
        # zarr warns of data types and codecs without a final specification.
        warnings.simplefilter("ignore")
        return _Judge(file, group, store, most_chunks, is_damaged=is_damaged).run()


def _refused_by_h5py(group: ManifestGroup, error: Exception) -> Verdict:
    verdict = Verdict()
    excused = {problem.variable for problem in group.all_problems()}
    for path, _ in group.walk_arrays():
        if path not in excused:
            verdict.counts["accepted"] += 1
            verdict.add("accepted", path, f"h5py refuses the file: {error}")
    return verdict


_Address: TypeAlias = tuple[int, ...]
"""Numbers of the file and of the object: links lead into other files, too."""


@dataclass(slots=True)
class _Place:
    """A group of the file beside the group that the reader shows for it."""

    path: str
    """In the file: what Problems name."""
    node: str
    """In the store: names may be changed."""
    theirs: h5g.GroupID
    ours: ManifestGroup
    above: frozenset[_Address]
    """Addresses of this group and of those that it lies in."""


@dataclass(slots=True)
class _Link:
    raw: bytes
    kind: int
    order: int

    @property
    def name(self) -> str:
        try:
            return self.raw.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw.decode("latin-1")


@dataclass(slots=True)
class _Judge:
    file: h5py.File
    group: ManifestGroup
    store: ManifestStore
    most_chunks: int
    is_damaged: bool
    verdict: Verdict = field(default_factory=Verdict)
    _problems: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    _seen: dict[_Address, ManifestArray | None] = field(default_factory=dict)
    """By address: an object with many names is read once."""
    _opened: Any = None

    def run(self) -> Verdict:
        for problem in self.group.all_problems():
            self._problems[problem.variable].append(problem)
        self._opened = zarr.open_group(self.store, mode="r", zarr_format=3)
        root = h5g.open(self.file.id, b"/")
        pending = [_Place("/", "", root, self.group, frozenset({_address(root)}))]
        for _ in range(_MOST_GROUPS):
            if not pending:
                break
            pending.extend(self._compare_group(pending.pop()))
        return self.verdict

    def _compare_group(self, place: _Place) -> Iterator[_Place]:
        self._compare_attributes(h5py.Group(place.theirs), place.ours, place.path)
        shown = {**place.ours.arrays, **place.ours.groups}
        try:
            links = _links(place.theirs)
        except Exception as error:  # noqa: BLE001 - h5py raises what it likes on damaged files
            if shown and not self._excuse(place.path):
                self._refused(place.path, f"members {sorted(shown)}", error)
            return
        unused = dict.fromkeys(shown)
        hidden = _hidden_by_variables(place.theirs, links)
        renamed: list[_Link] = []
        used: list[str] = []
        for link in links:
            name = None if link.name in hidden else _node_name(link.name, unused)
            if name is None and self._is_renamed(place, link):
                renamed.append(link)
                continue
            if name is not None:
                del unused[name]
                used.append(name)
            yield from self._compare_link(place, link, name)
        # Names that were changed keep their order.
        for link in renamed:
            path = f"{place.path.rstrip('/')}/{link.name}"
            is_lost = any(one.severity == "error" for one in self._problems[path])
            name = None if is_lost else next(iter(unused), None)
            unused.pop(name or "", None)
            yield from self._compare_link(place, link, name)
        for name in unused:
            self.verdict.add("invented", f"{place.node}/{name}", "h5py has no such link")
        self._compare_order(place, used)

    def _compare_link(self, place: _Place, link: _Link, name: str | None) -> Iterator[_Place]:
        path = f"{place.path.rstrip('/')}/{link.name}"
        array = place.ours.arrays.get(name or "")
        child = place.ours.groups.get(name or "")
        try:
            opened = h5o.open(place.theirs, link.raw)
            address = _address(opened)
        except Exception as error:  # noqa: BLE001 - dangling, external, damaged
            if array is not None or child is not None:
                self._refused(path, "an object", error)
            elif not self._excuse(path):
                self.verdict.add("missing", path, f"h5py says: {error}")
            return
        node = f"{place.node}/{name}"
        if isinstance(opened, h5d.DatasetID):
            self._compare_dataset(h5py.Dataset(opened), address, array, path, node)
        elif isinstance(opened, h5g.GroupID):
            if child is not None and address not in place.above:
                yield _Place(path, node, opened, child, place.above | {address})
            elif child is None and not self._excuse(path, with_warnings=True):
                self.verdict.add("missing", path, "h5py has a group here")
        elif array is not None or child is not None:
            self.verdict.add("invented", path, "h5py has a datatype here")

    def _compare_dataset(
        self,
        dataset: h5py.Dataset,
        address: _Address,
        array: ManifestArray | None,
        path: str,
        node: str,
    ) -> None:
        is_first = address not in self._seen
        first = self._seen.setdefault(address, array)
        outcome = "missing"
        if array is None:
            if self._excuse(path):
                outcome = "cautious" if self.is_damaged and _has_values(dataset) else "problem"
            elif is_pure_dimension(dataset):
                outcome = "dimension"
            else:
                self.verdict.add("missing", path, "h5py has a dataset here")
        else:
            self._compare_attributes(dataset, array, path)
            if is_first or first is None or array.manifest != first.manifest:
                outcome = self._compare_values(dataset, array, path, node)
        if is_first:
            self.verdict.counts[outcome] += 1

    def _compare_values(
        self, dataset: h5py.Dataset, array: ManifestArray, path: str, node: str
    ) -> str:
        """Return the outcome, and note what differs."""
        try:
            differences = list(self._differences(dataset, array, path, node))
        except Exception as error:  # noqa: BLE001 - h5py raises what it likes on damaged files
            self._refused(path, "a variable", error)
            return "accepted" if self.is_damaged else "unjudged"
        outcome = "equal"
        for kind, text in differences:
            if kind == "accepted":
                self._refused(path, text, None)
                outcome = kind if self.is_damaged else "unjudged"
            elif kind == "neither" or (kind == "loud" and self.is_damaged):
                outcome = kind
            elif kind == "values" and self._codes(path) & _ABOUT_VALUES:
                outcome = "warned"
            else:
                outcome = "unreadable" if kind == "loud" else kind
                self.verdict.add(outcome, path, text)
        return outcome

    def _differences(
        self, dataset: h5py.Dataset, array: ManifestArray, path: str, node: str
    ) -> Iterator[tuple[str, str]]:
        shape = dataset.shape
        if shape is None:
            yield "shape", f"{array.shape}, h5py has a null dataspace"
            return
        # Along unlimited dimensions a reader may show more: fill values, as netCDF does.
        is_longer = any(mine > n for mine, n in zip(array.shape, shape, strict=False))
        is_shorter = any(mine < n for mine, n in zip(array.shape, shape, strict=False))
        if is_shorter or (is_longer and "hdf5-unlimited-length" not in self._codes(path)):
            yield "shape", f"{array.shape}, h5py has {shape}"
            return
        if dataset.file.id == self.file.id and not self.is_damaged:
            for text in chunk_differences(dataset, array):
                yield "chunks", text
        try:
            opened = self._opened[node.lstrip("/")]
        except Exception as error:  # noqa: BLE001 - zarr may refuse any document
            yield "unreadable", f"zarr cannot open it: {error}"
            return
        doubtful = suspects(dataset, array) if self.is_damaged else []
        values = ValueComparison(dataset, array, opened, self.most_chunks, doubtful)
        yield from values.differences()

    def _compare_attributes(
        self, obj: h5py.HLObject, ours: ManifestGroup | ManifestArray, path: str
    ) -> None:
        problems = self._problems.get(path, [])
        for kind, text in attribute_differences(obj, ours.attributes, problems):
            if kind == "accepted":
                self._refused(path, text, None)
            else:
                self.verdict.add(kind, path, text)

    def _compare_order(self, place: _Place, expected: list[str]) -> None:
        for shown in (place.ours.arrays, place.ours.groups):
            wanted = [name for name in expected if name in shown]
            found = [name for name in shown if name in set(wanted)]
            if found != wanted:
                self.verdict.add("order", place.path, f"{found[:9]}, h5py has {wanted[:9]}")

    def _refused(self, path: str, text: str, error: Exception | None) -> None:
        """Note that the reader shows what h5py refuses."""
        if self.is_damaged and not self._excuse(path, with_warnings=True):
            self.verdict.add("accepted", path, f"{text} {error or ''}")

    def _codes(self, path: str) -> set[str]:
        return {problem.code for problem in self._problems.get(path, [])}

    def _is_renamed(self, place: _Place, link: _Link) -> bool:
        return "hdf5-name" in self._codes(f"{place.path.rstrip('/')}/{link.name}")

    def _excuse(self, path: str, *, with_warnings: bool = False) -> bool:
        """Say whether a Problem of this object, or of a group above it, says why it is missing."""
        here = self._problems.get(path, [])
        if any(problem.severity == "error" or with_warnings for problem in here):
            return True
        while path not in {"/", ""}:
            path = path.rpartition("/")[0] or "/"
            if any(problem.severity == "error" for problem in self._problems.get(path, [])):
                return True
        return False


def _links(group: h5g.GroupID) -> list[_Link]:
    """Return the links in order of creation where the file has kept it, else by name."""
    links: list[_Link] = []

    def take(raw: bytes, info: h5l.LinkInfo) -> None:
        links.append(_Link(raw, info.type, info.corder if info.corder_valid else -1))

    group.links.iterate(take, info=True, idx_type=h5.INDEX_NAME)
    if all(link.order >= 0 for link in links):
        links.sort(key=lambda link: link.order)
    return links


def _hidden_by_variables(group: h5g.GroupID, links: list[_Link]) -> frozenset[str]:
    """Return dimensions without values whose name a variable has that is no coordinate."""
    marked = (link for link in links if link.name.startswith(_NOT_COORDINATE))
    names = {link.name.removeprefix(_NOT_COORDINATE) for link in marked}
    members = {link.name: link.raw for link in links if link.name in names}
    found = set()
    for name, raw in members.items():
        with contextlib.suppress(Exception):  # damaged, or a link that leads nowhere
            opened = h5o.open(group, raw)
            if isinstance(opened, h5d.DatasetID) and is_pure_dimension(h5py.Dataset(opened)):
                found.add(name)
    return frozenset(found)


def _node_name(link: str, shown: dict[str, None]) -> str | None:
    """Return which of the names shown is that of a link, if one is."""
    short = link.removeprefix(_NOT_COORDINATE)
    return next((name for name in (short, link) if name in shown), None)


def _has_values(dataset: h5py.Dataset) -> bool:
    """Say whether h5py reads a dataset, if that is little work."""
    try:
        return bool(dataset.nbytes <= _LITTLE and np.asarray(dataset[()]).size)
    except Exception:  # noqa: BLE001 - h5py raises what it likes on damaged files
        return False


def _address(opened: h5o.ObjectID) -> _Address:
    info = h5g.get_objinfo(opened)
    return (*info.fileno, *info.objno)
