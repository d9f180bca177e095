"""From all objects of a file to a hierarchy of virtual arrays, without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from zarrchive.errors import FormatError, Problem
from zarrchive.manifests import ManifestGroup
from zarrchive.readers.hdf5.attributes import read_attributes
from zarrchive.readers.hdf5.dataset import variable_of, wants_values
from zarrchive.readers.hdf5.dimensions import Axes, Scales, is_pure_dimension
from zarrchive.readers.hdf5.facts import Facts, read_facts
from zarrchive.readers.hdf5.forests import read_forests
from zarrchive.readers.hdf5.group_arrays import group_arrays
from zarrchive.readers.hdf5.names import node_name
from zarrchive.readers.hdf5.nodes import Entry, Names, nodes_of
from zarrchive.readers.hdf5.objects import FileObject, NotThere
from zarrchive.readers.hdf5.problems import Reason, refusal_of
from zarrchive.readers.hdf5.requests import Trouble, together
from zarrchive.readers.hdf5.scale_names import NOTHING_OUTSIDE, outer_scales
from zarrchive.readers.hdf5.scan import Entangled, Scan
from zarrchive.readers.hdf5.variable import Arrays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.attribute_values import Attributes
    from zarrchive.readers.hdf5.nodes import Node
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.scale_names import Outside
    from zarrchive.readers.hdf5.siblings import Siblings
    from zarrchive.readers.hdf5.variable import Variable

__all__ = ["Contents", "Explored", "explored", "key_of", "mapped"]


class Explored(NamedTuple):
    """All objects of a file and what their headers say; nothing of where values are."""

    scan: Scan
    nodes: list[Node]
    """Groups; parents come before their children."""
    contents: Contents


def explored(
    file: OpenFile,
    group: str | None,
    *,
    at: tuple[int, bytes] | None = None,
    siblings: Siblings | None = None,
    outside: Outside = NOTHING_OUTSIDE,
) -> Steps[Explored]:
    """Read what is known of the hierarchy of `file` from the root, or from a group down.

    Parameters
    ----------
    file
        The open file.
    group
        Path of the group; None is the root.
    at
        Address and path of the group, where they are known.
    siblings
        Reads groups that are alike as one of them was read; they have no nodes of their own
        below them.
    outside
        What is known of dimension scales that are not in the group.

    Raises
    ------
    FormatError
        With code ``hdf5-no-group`` or ``hdf5-damaged``.
    Entangled
        Where something else uses what is inside of a group that was read as another.
    """
    scan = Scan(file, siblings)
    path = "/" + (group or "").strip("/") if at is None else at[1].decode("utf-8", "replace")
    start = yield from _start(scan, path, at)
    yield from scan.read_below(start.address, start.path)
    file.paths, file.claimed = scan.walked, scan.claimed
    nodes = nodes_of(scan, start, path)
    contents = yield from _contents(file, scan, nodes)
    yield from outer_scales(scan, contents.scales, contents.axes.values(), outside)
    return Explored(scan, nodes, contents)


def mapped(file: OpenFile, found: Explored) -> Steps[ManifestGroup]:
    """Find the values of all variables, and build the hierarchy."""
    _, nodes, contents = found
    wanted = {
        key: one
        for node in nodes
        for one in _entries(node)
        if one.linked is None
        for key in [key_of(file, contents, one)]
    }
    read_forests(file, (one for one in contents.facts.values() if isinstance(one, Facts)))
    yield from _read_variables(contents, wanted)
    for node in nodes:
        _fill_node(file, node, contents)
    return _assembled(file, nodes, contents)


def _start(scan: Scan, path: str, at: tuple[int, bytes] | None) -> Steps[FileObject]:
    """Return the group to begin with."""
    where = scan.file.where
    address: int | NotThere
    try:
        if at is None:
            address = yield from scan.find(path.encode())
            at = (address, path.encode()) if isinstance(address, int) else None
        else:
            address = at[0]
        if at is not None:
            yield from scan.read(dict([at]))
    except Trouble as trouble:
        raise FormatError(refusal_of(trouble).at(where, path)) from trouble
    if isinstance(address, NotThere):
        raise FormatError(_no_group(where, path, f"there is no such object: {address.why}"))
    found = scan.by_address[address]
    if isinstance(found, Reason):
        raise FormatError(found.at(where, path))
    if found.kind != "group":
        raise FormatError(_no_group(where, path, "that is no group"))
    return found


def _entries(node: Node) -> Iterator[Entry]:
    return (one for one in node.entries if isinstance(one, Entry))


@dataclass(slots=True)
class Contents:
    """What is known of the objects of the file, by address."""

    scales: Scales
    attributes: dict[int, Attributes] = field(default_factory=dict)
    facts: dict[int, Facts | Trouble] = field(default_factory=dict)
    axes: dict[int, Axes] = field(default_factory=dict)
    variables: dict[tuple[int, bool], Variable | Reason | None] = field(default_factory=dict)
    """By address and whether the values are wanted; None for what is no variable."""

    @property
    def has_numbered_dimensions(self) -> bool:
        """Whether netCDF's numbers tell the dimensions of a variable."""
        return any(one.dimids is not None for one in self.axes.values())


def _contents(file: OpenFile, scan: Scan, nodes: list[Node]) -> Steps[Contents]:
    """Read attributes and messages of all groups and datasets that are shown."""
    groups = {node.group.address: node.group for node in nodes if node.group.cast is None}
    paths: dict[int, str] = {}
    contents = Contents(Scales())
    for one in (entry for node in nodes for entry in _entries(node)):
        if one.linked is None:
            paths.setdefault(one.address, one.path)
        else:
            contents.scales.by_address.update(one.linked.scales)
    found = {address: scan.by_address[address] for address in paths}
    datasets = {at: one for at, one in found.items() if isinstance(one, FileObject)}
    objects = [*groups.values(), *datasets.values()]
    attributes = yield from read_attributes(file, objects)
    contents.attributes = dict(zip([one.address for one in objects], attributes, strict=True))
    facts = yield from read_facts(file, list(datasets.values()))
    contents.facts = dict(zip(datasets, facts, strict=True))
    for address, one_facts in contents.facts.items():
        if isinstance(one_facts, Facts) and contents.attributes[address].is_scale:
            contents.scales.add(one_facts, contents.attributes[address], paths[address])
    for address, one_facts in contents.facts.items():
        if isinstance(one_facts, Facts):
            contents.axes[address] = contents.scales.axes_of(
                one_facts, contents.attributes[address]
            )
    if scan.claimed and contents.has_numbered_dimensions:
        raise Entangled
    return contents


def key_of(file: OpenFile, contents: Contents, entry: Entry) -> tuple[int, bool]:
    """Return address, and whether the values are wanted under the name of this entry."""
    address, name = entry.address, entry.link_name
    facts = contents.facts[address]
    if isinstance(facts, Trouble):
        return address, False
    axes, scales = contents.axes[address], contents.scales.by_address
    return address, wants_values(file, name, facts, axes, scales)


def _read_variables(contents: Contents, wanted: dict[tuple[int, bool], Entry]) -> Steps[None]:
    """Decide how the values of all datasets are had; what they need is fetched together."""
    keys: list[tuple[int, bool]] = []
    parts = []
    for key in wanted:
        address, is_wanted = key
        facts, attributes = contents.facts[address], contents.attributes[address]
        if isinstance(facts, Trouble):
            contents.variables[key] = refusal_of(facts)
        elif is_pure_dimension(attributes):
            contents.variables[key] = None
        else:
            keys.append(key)
            parts.append(
                variable_of(facts, attributes, contents.axes[address], is_wanted=is_wanted)
            )
    found = yield from together(parts)
    for key, one in zip(keys, found, strict=True):
        contents.variables[key] = refusal_of(one) if isinstance(one, Trouble) else one


def _fill_node(file: OpenFile, node: Node, contents: Contents) -> None:
    """Add variables and problems to a group, in the order of its links."""
    where = file.where
    if node.group.cast is not None:
        return
    own = contents.attributes[node.group.address]
    node.problems.extend(reason.at(where, node.path) for reason in own.reasons)
    for entry in node.entries:
        if not isinstance(entry, Entry):
            node.problems.append(entry[1].at(where, entry[0]))
            continue
        variable, reasons = _looked_up(file, contents, entry)
        if variable is not None:
            name, reason = node_name(entry.link_name, Names(node))
            reasons += [] if reason is None else [reason]
            node.variables[name] = (entry.path, variable)
        node.problems.extend(one.at(where, entry.path) for one in reasons)


def _looked_up(
    file: OpenFile, contents: Contents, entry: Entry
) -> tuple[Variable | None, list[Reason]]:
    """Return what an entry shows, if anything, and what is to be said of it."""
    if entry.linked is not None:
        return entry.linked.variable, list(entry.linked.reasons)
    variable = contents.variables[key_of(file, contents, entry)]
    if variable is None:
        return None, []
    axes = contents.axes.get(entry.address)
    reasons = [*contents.attributes[entry.address].reasons, *(() if axes is None else axes.reasons)]
    if isinstance(variable, Reason):
        return None, [*reasons, variable]
    caution = variable.storage.caution
    return variable, [*reasons, *(() if caution is None else (caution,))]


def _assembled(file: OpenFile, nodes: list[Node], contents: Contents) -> ManifestGroup:
    """Build the groups, children first; nothing recurses."""
    _set_unlimited_lengths(nodes, contents.scales)
    built: dict[int, ManifestGroup] = {}
    made = Arrays()
    for node in reversed(nodes):
        if node.group.cast is not None:
            built[id(node)] = node.group.cast
            continue
        arrays, problems = group_arrays(file, node.variables, contents.scales, made)
        built[id(node)] = ManifestGroup(
            arrays=arrays,
            groups={name: built.pop(id(child)) for name, child in node.children.items()},
            attributes=contents.attributes[node.group.address].values,
            problems=(*node.problems, *problems),
        )
    return built[id(nodes[0])]


def _set_unlimited_lengths(nodes: list[Node], scales: Scales) -> None:
    """Give each unlimited dimension the length of the longest variable along it, as netCDF does."""
    for node in nodes:
        for _, variable in node.variables.values():
            for axis, scale in enumerate(scales.resolve(variable.axes)):
                if scale is not None and scale.is_unlimited and variable.unlimited[axis]:
                    scale.size = max(scale.size, variable.shape[axis])


def _no_group(where: str, path: str, what: str) -> Problem:
    return Problem(
        code="hdf5-no-group",
        where=where,
        what=f"group {path!r} was asked for, but {what}",
        hint="check the path of the group; `zarrchive inspect` lists all",
        variable=path,
    )
