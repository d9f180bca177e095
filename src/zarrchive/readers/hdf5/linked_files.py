"""Links into other files, which are followed where the files lie side by side.

What they lead to is read by the other file alone. HDF5 looks for that file in the folder of the
one that has the link (`H5Pset_elink_prefix`), and so does this; nowhere else, though.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from zarrchive.errors import FormatError, ZarrchiveError
from zarrchive.location.beside import open_beside
from zarrchive.readers.hdf5.attributes import read_attributes
from zarrchive.readers.hdf5.dataset import variable_of, wants_values
from zarrchive.readers.hdf5.dimensions import Scales, is_pure_dimension
from zarrchive.readers.hdf5.facts import read_facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.link_reasons import cycle, maze, other_file
from zarrchive.readers.hdf5.objects import FileObject, NotThere
from zarrchive.readers.hdf5.opened import opened
from zarrchive.readers.hdf5.problems import Reason, refusal_of
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.scale_names import outer_scales
from zarrchive.readers.hdf5.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.hdf5.dimensions import Scale
    from zarrchive.readers.hdf5.links import Link
    from zarrchive.readers.hdf5.nodes import Node
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.variable import Variable

__all__ = ["LinkedDataset", "LinkedFiles"]

_MOST_LINKS: Final = 16
"""Links into other files one behind the other; as many as HDF5 follows."""
_MOST_OPEN: Final = 16
"""Files that are open at a time: a system allows a thousand or so."""
_MOST_GROUPS: Final = 1000
"""Groups of other files that are shown in one, before links are taken for an endless maze."""


@dataclass(frozen=True, slots=True)
class LinkedDataset:
    """A dataset of another file, which was looked at."""

    variable: Variable | None
    """None where it holds no values, or they cannot be had. Numbers in place of addresses tell its
    dimensions."""
    reasons: tuple[Reason, ...]
    """What was lost or changed."""
    scales: Mapping[int, Scale]
    """Those of its dimensions, by number."""


@dataclass(slots=True, eq=False)
class _Other:
    """Another file, and what was seen of it."""

    file: OpenFile
    scan: Scan
    stack: ExitStack


@dataclass(slots=True, eq=False)
class LinkedFiles:
    """The files that the links of one file lead into."""

    read: Callable[[OpenFile, str | None], ManifestGroup]
    """Reads a group of a file."""
    above: frozenset[tuple[str, int]] = frozenset()
    """File and address of the groups of other files that all of it is inside of."""
    n_links: int = 0
    """Links into other files that led to this one."""
    shown: list[str] = field(default_factory=list)
    """Places of groups of other files, here and in all files that led here."""
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    """Numbers in place of addresses, by file and address, here and in all those files."""
    n_before: int = 0
    """How many were shown before this file was read."""
    _expected: tuple[bytes, ...] = ()
    _others: OrderedDict[bytes, _Other | Reason] = field(default_factory=OrderedDict)
    """The last that were used come last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        while self._others:
            self._close_oldest()

    def begin(self, expected: tuple[bytes, ...]) -> None:
        """Begin to follow links; `expected` are the files that they lead into, in that order.

        A file may be read once more, in another way.
        """
        self._expected = expected
        del self.shown[self.n_before :]

    def target(
        self, file: OpenFile, link: Link, node: Node, place: str
    ) -> FileObject | LinkedDataset | Reason:
        """Return what a link leads to, or why it leads nowhere.

        Parameters
        ----------
        file
            The file that has the link.
        link
            The link.
        node
            The group that has it.
        place
            Path of the link.
        """
        above = self.above | {(file.where, one.group.address) for one in node.lineage()}
        found = self.follow(file, link, above, place)
        if isinstance(found, _Group):
            target = "/" + found.target.strip("/")
            shown = _shown_at(found.group, target, file.where, place)
            number = self._number(file, -1 - len(self.numbers))
            return FileObject(number, link.target, "group", None, cast=shown)
        return found

    def group(self, file: OpenFile, path: str) -> ManifestGroup | None:
        """Return the group at a path that leads through another file; None where there is none."""
        found = run(Scan(file).find(path.encode()), file.data)
        if not isinstance(found, NotThere) or found.external is None:
            return None
        place = "/" + path.strip("/")
        target = self.follow(file, found.external, self.above, place)
        if not isinstance(target, _Group):
            return None
        return _shown_at(target.group, "/" + target.target.strip("/"), file.where, place)

    def follow(
        self, file: OpenFile, link: Link, above: frozenset[tuple[str, int]], place: str
    ) -> FileObject | LinkedDataset | _Group | Reason:
        """Return what the link at `place` leads to; `above` are the groups that it is in."""
        if self.n_links >= _MOST_LINKS:
            return other_file(link, f"it is behind {_MOST_LINKS} such links")
        other = self._other(file, link)
        if isinstance(other, Reason):
            return other_file(link, other.what, other.hint)
        try:
            address = run(other.scan.find(link.target), other.file.data)
            if isinstance(address, NotThere):
                if address.external is None:
                    return other_file(link, f"there is no such object ({address.why})")
                behind = self._behind(other, above)
                return behind.follow(other.file, address.external, above, place)
            run(other.scan.read({address: link.target}), other.file.data)
            return self._object(other, link, other.scan.by_address[address], above, place)
        except (Trouble, *PARSE_ERRORS) as trouble:
            return other_file(link, refusal_of(trouble).what)

    def _object(
        self,
        other: _Other,
        link: Link,
        found: FileObject | Reason,
        above: frozenset[tuple[str, int]],
        place: str,
    ) -> FileObject | LinkedDataset | _Group | Reason:
        if isinstance(found, Reason):
            return other_file(link, found.what, found.hint)
        if found.kind == "group":
            return self._group(other, link, found, above, place)
        if found.kind == "dataset":
            return self._dataset(other, found, place.rpartition("/")[2])
        return found

    def _other(self, file: OpenFile, link: Link) -> _Other | Reason:
        """Return a file, which is opened if it is not one of the last."""
        if link.file not in self._others:
            self._open(file, link.file)
        self._others.move_to_end(link.file)
        return self._others[link.file]

    def _open(self, file: OpenFile, name: bytes) -> None:
        """Open a file, and those that will be next where each takes its time."""
        names = [name]
        if file.source.local_path is None and name in self._expected:
            following = self._expected[self._expected.index(name) + 1 :]
            names += [one for one in following if one not in self._others][: _MOST_OPEN - 1]
        while len(self._others) > _MOST_OPEN - len(names):
            self._close_oldest()
        if len(names) == 1:
            self._others[name] = _opened(file, name)
            return
        with ThreadPoolExecutor(len(names)) as pool:
            # What is noted of files beside others is noted in each thread.
            jobs = [pool.submit(copy_context().run, _opened, file, one) for one in names]
        self._others.update((one, job.result()) for one, job in zip(names, jobs, strict=True))

    def _close_oldest(self) -> None:
        _, other = self._others.popitem(last=False)
        if isinstance(other, _Other):
            other.stack.close()

    def _behind(self, other: _Other, above: frozenset[tuple[str, int]]) -> LinkedFiles:
        """Return what follows the links of another file."""
        shown, numbers = self.shown, self.numbers
        behind = LinkedFiles(self.read, above, self.n_links + 1, shown, numbers, len(shown))
        other.file.linked = other.stack.enter_context(behind)
        return behind

    def _group(
        self,
        other: _Other,
        link: Link,
        found: FileObject,
        above: frozenset[tuple[str, int]],
        place: str,
    ) -> _Group | Reason:
        if (other.file.where, found.address) in above:
            return cycle()
        if len(self.shown) >= _MOST_GROUPS:
            return maze()
        self.shown.append(place)
        self._behind(other, above)
        try:
            target = link.target.decode("utf-8")
            return _Group(self.read(other.file, target), target)
        except UnicodeDecodeError:
            return other_file(link, "the path of this group is not UTF-8", "open that file itself")
        except FormatError as error:
            return other_file(link, error.problem.what, error.problem.hint)

    def _dataset(self, other: _Other, found: FileObject, name: str) -> LinkedDataset:
        file, data = other.file, other.file.data
        (facts,) = run(read_facts(file, [found]), data)
        if isinstance(facts, Trouble):
            raise facts
        (attributes,) = run(read_attributes(file, [found]), data)
        scales = Scales()
        if attributes.is_scale:
            scales.add(facts, attributes, found.path.decode("utf-8", "replace"))
        axes = scales.axes_of(facts, attributes)
        run(outer_scales(other.scan, scales, [axes]), data)
        numbers = {one: self._number(file, one) for one in scales.by_address}
        # Numbers of dimensions are those of the other file, which is not read as a whole.
        own = tuple(None if one is None else numbers.get(one) for one in axes.scales)
        axes = replace(axes, scales=own)
        by_number = {numbers[address]: scale for address, scale in scales.by_address.items()}
        variable = None
        if not is_pure_dimension(attributes):
            is_wanted = wants_values(file, name, facts, axes, by_number)
            here = replace(axes, dimids=None)
            variable = run(variable_of(facts, attributes, here, is_wanted=is_wanted), data)
        refusal = variable if isinstance(variable, Reason) else None
        variable = None if isinstance(variable, Reason) else variable
        caution = None if variable is None else variable.storage.caution
        reasons = [
            *attributes.reasons,
            *axes.reasons,
            *([] if axes.dimids is None else [_NUMBERED]),
        ]
        reasons += [one for one in (refusal, caution) if one is not None]
        told = (replace(one, what=f"{one.what} (it is in {file.where})") for one in reasons)
        return LinkedDataset(variable, tuple(told), by_number)

    def _number(self, file: OpenFile, address: int) -> int:
        """Return the number of an object of another file, which no address is."""
        return self.numbers.setdefault((file.where, address), -1 - len(self.numbers))


_NUMBERED: Final = Reason(
    code="hdf5-linked-dimensions",
    what="numbers tell its dimensions, which only the other file as a whole explains; they got "
    "made-up names",
    hint="open that file itself for their names, or rename them after opening",
    severity="warning",
)


class _Group(NamedTuple):
    """A group of another file, and its path there."""

    group: ManifestGroup
    target: str


def _opened(file: OpenFile, raw: bytes) -> _Other | Reason:
    name = raw.decode("utf-8", "surrogateescape")
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_beside(file.source, name, may_have_moved=True))
            other = stack.enter_context(opened(source, file.inline))
        except ZarrchiveError as error:
            problem = error.problems[0]
            return Reason(problem.code, f"{problem.where}: {problem.what}", problem.hint)
        other.largest_run = file.largest_run
        return _Other(other, Scan(other), stack.pop_all())


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
