"""Join virtual trees group by group, hiding no difference that is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zarrchive.bridge.combining import Combination, combined
from zarrchive.bridge.datatree import described_coordinate, join_tree, not_inherited, own_dataset
from zarrchive.bridge.differences import differences_of, varying_dims
from zarrchive.bridge.notes import Notes, add_problems, notes_of, set_notes
from zarrchive.bridge.repairing import repaired
from zarrchive.errors import CombineError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import xarray as xr

    from zarrchive.bridge.repairs import Repairs

__all__ = ["combined_trees"]


@dataclass(slots=True)
class _Place:
    """A group of the result."""

    path: str
    parent: int | None
    dataset: xr.Dataset
    above: dict[str, int] = field(default_factory=dict)
    """The nearest group above that has an index of a name, by its place."""


def combined_trees(
    trees: Mapping[str, xr.DataTree], how: Combination, repairs: Repairs | None = None
) -> xr.DataTree:
    """Join `trees` (by file) group by group; problems are attached to each group.

    `repairs` says what may be done so that groups fit together.

    Raises
    ------
    CombineError
        If they do not fit together: ``combine-missing-group``, and as `combined`.
    """
    groups = _groups(trees)
    dims = _existing_dims(groups, how)
    places: list[_Place] = []
    numbers: dict[str, int] = {}
    for path, nodes in groups.items():
        parent = None if path == "/" else numbers[path.rpartition("/")[0] or "/"]
        numbers[path] = len(places)
        places.append(_Place(path, parent, _joined(path, nodes, (how, repairs), dims)))
    where = next(iter(trees))
    for place in places:
        _settle(place, places, where)
    try:
        return join_tree(
            [place.path.rpartition("/")[2] for place in places],
            [place.dataset for place in places],
            [place.parent for place in places],
        )
    except ValueError as error:  # xarray: a group contradicts one above it
        words = " ".join(str(error).split())[:500]
        hint = "join the groups one by one with open_virtual_mfdataset(..., group=...)"
        what = f"the joined groups cannot be in one tree: {words}"
        raise CombineError(_problem("combine-failed", where, what, hint, "")) from error


def _groups(trees: Mapping[str, xr.DataTree]) -> dict[str, dict[str, xr.DataTree]]:
    """Return each group by file, parents first; refuse what some files lack."""
    groups: dict[str, dict[str, xr.DataTree]] = {}
    for url, tree in trees.items():
        for node in tree.subtree:
            path = "/" + node.relative_to(tree).strip("./")
            groups.setdefault(path, {})[url] = node
    problems: list[Problem] = []
    for path, nodes in groups.items():
        without = [url for url in trees if url not in nodes]
        if not without or any(path.startswith(one.variable.rstrip("/") + "/") for one in problems):
            continue
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        what = (
            f"group {path} is missing in {without[0]}{more}, but {next(iter(nodes))} has it "
            f"({len(nodes)} of {len(trees)} files)"
        )
        hint = "leave out the files without it, or open the groups that all have with group=..."
        problems.append(_problem("combine-missing-group", without[0], what, hint, path))
    if problems:
        raise CombineError(*problems)
    return groups


def _existing_dims(
    groups: Mapping[str, Mapping[str, xr.DataTree]], how: Combination
) -> frozenset[str]:
    """Return which of the dimensions to join along, if these are given, a group has already."""
    given = how.dims({}) if how.nested is not None else []
    names = {
        str(name) for nodes in groups.values() for node in nodes.values() for name in node.dims
    }
    return frozenset(given) & names


def _joined(
    path: str,
    nodes: Mapping[str, xr.DataTree],
    way: tuple[Combination, Repairs | None],
    existing: frozenset[str],
) -> xr.Dataset:
    """Join one group, or take it once where nothing in it varies along what is joined."""
    how, repairs = way
    own = {url: own_dataset(node) for url, node in nodes.items()}
    dims = {str(dim) for dataset in own.values() for dim in dataset.dims}
    try:
        if how.nested is None:
            result = _by_coordinates(own, nodes, dims, way)
        elif dims & existing or (not existing and any(ds.variables for ds in own.values())):
            result = combined(_mended(own, how, repairs), how)
        else:
            result = _once(own)
    except CombineError as error:
        raise CombineError(*_in_group(path, error.problems)) from error
    notes = notes_of(result)
    set_notes(result, replace(notes, problems=tuple(_in_group(path, notes.problems))))
    add_problems(result, (p for node in nodes.values() for p in notes_of(node).problems))
    if repairs is not None:
        add_problems(result, _in_group(path, repairs.problems))
        repairs.problems.clear()
    return result


def _mended(
    datasets: Mapping[str, xr.Dataset], how: Combination, repairs: Repairs | None
) -> Mapping[str, xr.Dataset]:
    return datasets if repairs is None else repaired(datasets, how.dims, repairs)


def _by_coordinates(
    own: Mapping[str, xr.Dataset],
    nodes: Mapping[str, xr.DataTree],
    dims: set[str],
    way: tuple[Combination, Repairs | None],
) -> xr.Dataset:
    """Join a group by its coordinates and by those that it inherits along its dimensions."""
    with_inherited = {
        url: dataset.assign_coords(
            {n: c for n, c in nodes[url].coords.items() if n in dims and n not in dataset.variables}
        )
        for url, dataset in own.items()
    }
    if not dims.intersection(varying_dims(with_inherited)):
        return _once(own)
    how, repairs = way
    result = combined(_mended(with_inherited, how, repairs), how)
    names = {name for dataset in own.values() for name in dataset.variables}
    inherited = [name for name in result.coords if name not in names]
    notes = notes_of(result)
    result = result.drop_vars(inherited)
    about = {str(name) for name in inherited}  # which is said where it belongs
    set_notes(
        result, replace(notes, problems=tuple(p for p in notes.problems if p.variable not in about))
    )
    return result


def _once(datasets: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return the first dataset, with the problems of taking it for all."""
    first = next(iter(datasets.values()))
    odd = varying_dims(datasets)
    if odd:
        url, other = next(
            (url, ds)
            for url, ds in datasets.items()
            if odd[0] in varying_dims({"": first, url: ds})
        )
        what = (
            f"{odd[0]!r} is {described_coordinate(first.variables[odd[0]])} in "
            f"{next(iter(datasets))}, but {described_coordinate(other.variables[odd[0]])} in {url}"
        )
        hint = "join along it with combine='by_coords', or leave one of the files out"
        raise CombineError(_problem("combine-coordinate", url, what, hint, odd[0]))
    problems = [
        one.hidden() if one.is_known else one.not_compared() for one in differences_of(datasets, [])
    ]
    result = first.copy()
    set_notes(result, Notes(problems=tuple(problems), decode_times=notes_of(first).decode_times))
    return result


def _in_group(path: str, problems: Iterable[Problem]) -> list[Problem]:
    """Name variables by their path in the tree."""
    base = path.rstrip("/")
    return [
        replace(one, variable=f"{base}/{one.variable}")
        if one.variable and not one.variable.startswith("/")
        else one
        for one in problems
    ]


def _settle(place: _Place, places: Sequence[_Place], where: str) -> None:
    """Make one group fit into the tree: a DataTree has one index for a name on a branch."""
    parent = place.parent
    if parent is None:
        return
    above = places[parent]
    place.above = {**above.above, **dict.fromkeys(map(str, above.dataset.xindexes), parent)}
    shadowed = {}
    problems = []
    for name in place.above.keys() & {str(one) for one in place.dataset.variables}:
        other = places[place.above[name]]
        mine, theirs = place.dataset.xindexes.get(name), other.dataset.xindexes.get(name)
        if mine is not None and theirs is not None and mine.equals(theirs):
            shadowed[name] = place.dataset.variables[name]
            continue
        here, there = place.dataset.variables[name], other.dataset.variables[name]
        problems.append(not_inherited(name, (place.path, here), (other.path, there), where))
        _drop_index(name, place, places)
    notes = notes_of(place.dataset)
    set_notes(place.dataset, replace(notes, shadowed=shadowed))
    add_problems(place.dataset, problems)


def _drop_index(name: str, place: _Place, places: Sequence[_Place]) -> None:
    """Take the index of `name` from every group above."""
    at = place.parent
    while at is not None:
        above = places[at]
        if name in above.dataset.xindexes:
            notes = notes_of(above.dataset)
            above.dataset = above.dataset.drop_indexes(name)
            set_notes(above.dataset, notes)
        at = above.parent


def _problem(code: str, where: str, what: str, hint: str, variable: str) -> Problem:
    return Problem(code=code, where=where, what=what, hint=hint, variable=variable)
