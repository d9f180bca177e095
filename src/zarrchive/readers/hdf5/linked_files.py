"""Links into other files, which are followed where the files lie side by side.

What they lead to is read by the other file alone. HDF5 looks for that file in the folder of the
one that has the link (`H5Pset_elink_prefix`), and so does this; nowhere else, though.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from zarrchive.errors import FormatError, LocationError
from zarrchive.location.beside import open_beside
from zarrchive.readers.hdf5.attributes import read_attributes
from zarrchive.readers.hdf5.dimensions import Axes, Scale, Scales
from zarrchive.readers.hdf5.facts import Facts, read_facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.link_reasons import cycle, maze, other_file
from zarrchive.readers.hdf5.objects import FileObject, NotThere
from zarrchive.readers.hdf5.opened import opened
from zarrchive.readers.hdf5.problems import Reason, refusal_of
from zarrchive.readers.hdf5.requests import Trouble
from zarrchive.readers.hdf5.scale_names import outer_scales
from zarrchive.readers.hdf5.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.hdf5.attribute_values import Attributes
    from zarrchive.readers.hdf5.links import Link
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["LinkedDataset", "LinkedFiles"]

_MOST_LINKS: Final = 16
"""Links into other files one behind the other; as many as HDF5 follows."""
_MOST_GROUPS: Final = 1000
"""Groups of other files that are shown in one, before links are taken for an endless maze."""


@dataclass(frozen=True, slots=True)
class LinkedDataset:
    """A dataset of another file."""

    number: int
    """In place of an address: no object of the file that has the link has it."""
    facts: Facts
    attributes: Attributes
    axes: Axes
    scales: Mapping[int, Scale]
    """Those that `axes` name, by numbers in place of addresses."""

    def told(self, reason: Reason) -> Reason:
        """Return a reason that names the other file."""
        return replace(reason, what=f"{reason.what} (it is in {self.facts.file.where})")


class _Other(NamedTuple):
    """Another file, and what was seen of it."""

    file: OpenFile
    scan: Scan


@dataclass(slots=True, eq=False)
class LinkedFiles:
    """The files that the links of one file lead into; each is opened once."""

    read: Callable[[OpenFile, str | None], ManifestGroup]
    """Reads a group of a file."""
    above: frozenset[tuple[str, int]] = frozenset()
    """File and address of the groups of other files that all of it is inside of."""
    n_links: int = 0
    """Links into other files that led to this one."""
    shown: list[int] = field(default_factory=list)
    """Addresses of the groups that were shown, here and in all files that led here."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _others: dict[bytes, _Other | Reason] = field(default_factory=dict)
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    _last_number: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def target(
        self, file: OpenFile, link: Link, above: set[tuple[str, int]], place: str
    ) -> FileObject | LinkedDataset | Reason:
        """Return what a link leads to, or why it leads nowhere.

        Parameters
        ----------
        file
            The file that has the link.
        link
            The link.
        above
            File and address of the group that has it, and of all that it lies in.
        place
            Path of the link.
        """
        if self.n_links >= _MOST_LINKS:
            return other_file(link, f"it is behind {_MOST_LINKS} such links")
        other = self._others.get(link.file)
        if other is None:
            other = self._others[link.file] = self._opened(file, link)
        if isinstance(other, Reason):
            return other_file(link, other.what, other.hint)
        try:
            address = run(other.scan.find(link.target), other.file.data)
            if isinstance(address, NotThere):
                return self._not_there(other, link, address, above, place)
            run(other.scan.read({address: link.target}), other.file.data)
        except Trouble as trouble:
            return other_file(link, str(trouble))
        found = other.scan.by_address[address]
        if isinstance(found, Reason):
            return other_file(link, found.what, found.hint)
        if found.kind == "group":
            group = self._group(other, link, found, above)
            if isinstance(group, Reason):
                return group
            target = "/" + link.target.decode("utf-8", "replace").strip("/")
            shown = _shown_at(group, target, file.where, place)
            return FileObject(self._new_number(), link.target, "group", None, cast=shown)
        return self._dataset(other, link, found) if found.kind == "dataset" else found

    def _opened(self, file: OpenFile, link: Link) -> _Other | Reason:
        name = link.file.decode("utf-8", "surrogateescape")
        try:
            source = self._stack.enter_context(open_beside(file.source, name, may_have_moved=True))
            other = self._stack.enter_context(opened(source, file.inline))
        except (LocationError, FormatError) as error:
            problem = error.problem
            return Reason(problem.code, f"{problem.where}: {problem.what}", problem.hint)
        other.largest_run = file.largest_run
        return _Other(other, Scan(other))

    def _not_there(
        self,
        other: _Other,
        link: Link,
        found: NotThere,
        above: set[tuple[str, int]],
        place: str,
    ) -> FileObject | LinkedDataset | Reason:
        if found.external is None:
            return other_file(link, f"there is no such object ({found.why})")
        return self._behind(other.file, above).target(other.file, found.external, set(), place)

    def _behind(self, other: OpenFile, above: set[tuple[str, int]]) -> LinkedFiles:
        """Return what follows the links of another file."""
        behind = LinkedFiles(self.read, self.above | above, self.n_links + 1, self.shown)
        other.linked = self._stack.enter_context(behind)
        return behind

    def _group(
        self, other: _Other, link: Link, found: FileObject, above: set[tuple[str, int]]
    ) -> ManifestGroup | Reason:
        if (other.file.where, found.address) in self.above | above:
            return cycle()
        if len(self.shown) >= _MOST_GROUPS:
            return maze()
        self.shown.append(found.address)
        self._behind(other.file, above)
        try:
            return self.read(other.file, link.target.decode("utf-8", "surrogateescape"))
        except FormatError as error:
            return other_file(link, error.problem.what, error.problem.hint)

    def _dataset(self, other: _Other, link: Link, found: FileObject) -> LinkedDataset | Reason:
        (facts,) = run(read_facts(other.file, [found]), other.file.data)
        if isinstance(facts, Trouble):
            return other_file(link, refusal_of(facts).what)
        (attributes,) = run(read_attributes(other.file, [found]), other.file.data)
        scales = Scales()
        if attributes.is_scale:
            scales.add(facts, attributes, link.target.decode("utf-8", "replace"))
        axes = scales.axes_of(facts, attributes)
        try:
            run(outer_scales(other.scan, scales, [axes]), other.file.data)
        except Trouble as trouble:
            return other_file(link, str(trouble))
        numbers = {one: self._number(other.file, one) for one in scales.by_address}
        return LinkedDataset(
            number=self._number(other.file, found.address),
            facts=facts,
            attributes=attributes,
            # Numbers of dimensions are those of the other file, which is not read as a whole.
            axes=replace(
                axes,
                scales=tuple(None if one is None else numbers.get(one) for one in axes.scales),
                dimids=None,
            ),
            scales={numbers[address]: scale for address, scale in scales.by_address.items()},
        )

    def _number(self, file: OpenFile, address: int) -> int:
        """Return the number of an object of another file."""
        key = file.where, address
        if key not in self._numbers:
            self._numbers[key] = self._new_number()
        return self._numbers[key]

    def _new_number(self) -> int:
        self._last_number -= 1
        return self._last_number


def _shown_at(group: ManifestGroup, target: str, where: str, place: str) -> ManifestGroup:
    """Return a group of another file whose problems are those of what is shown at `place`."""
    start = len(target.rstrip("/"))

    def shown(problem: Problem) -> Problem:
        return replace(
            problem,
            where=where,
            variable=place + problem.variable[start:],
            what=f"{problem.what} (it is {problem.variable} in {problem.where})",
        )

    built: dict[str, ManifestGroup] = {}
    for path, one in reversed(list(group.walk())):
        base = path.rstrip("/")
        below = {name: built.pop(f"{base}/{name}") for name in one.groups}
        problems = tuple(map(shown, one.problems))
        built[path] = replace(one, groups=below, problems=problems)
    return built["/"]
