"""Files that do not fit together, opened as a tree: one group for those that agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

import zarrchive.bridge.accessor  # noqa: F401 - results have .virtual
from zarrchive.bridge.combining import Combination, combined
from zarrchive.bridge.combining_trees import combined_trees
from zarrchive.bridge.datatree import join_tree, own_dataset
from zarrchive.bridge.many_files import Opener, expanded, leaves, opened_files
from zarrchive.bridge.mfdataset import check_arguments, frozen
from zarrchive.bridge.notes import add_problems
from zarrchive.combine.agreeing import part_name
from zarrchive.combine.check import check
from zarrchive.combine.remedies import files_named
from zarrchive.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.bridge.many_files import Pool
    from zarrchive.bridge.mfdataset import Nested
    from zarrchive.bridge.progress import Progress
    from zarrchive.combine.report import CompatibilityReport
    from zarrchive.readers import Reader

__all__ = ["open_virtual_split"]


def open_virtual_split(  # noqa: PLR0913 - the choices of opening and of combining
    urls: Nested | Sequence[Any],
    *,
    combine: Literal["by_coords", "nested"] = "by_coords",
    concat_dim: str | None = None,
    executor: Pool = None,
    cache: str | PathLike[str] | None = None,
    progress: Progress = None,
    on_problem: Literal["raise", "skip"] = "raise",
    group: str | None = None,
    reader: str | Reader | None = None,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Open files that do not fit together as a tree, in groups of files that do.

    Each group is what `open_virtual_mfdataset` makes of its files; they are called ``part_1``,
    ``part_2`` and so on, in the order of their first files. ``tree.virtual.problems`` says which
    files are where, and what sets them apart. Files that fit make one group.

    Parameters
    ----------
    urls, combine, concat_dim, executor, cache, progress
        See `open_virtual_mfdataset`; not nested.
    on_problem
        ``"skip"`` leaves out files that cannot be read.
    group, reader, loadable_variables, drop_variables, decode_times, storage_options
        See `open_virtual_datatree`.

    Raises
    ------
    CombineError
        If files of one group do not fit together after all, as where they overlap.
    LocationError, FormatError
        If a file cannot be read, with ``on_problem="raise"``.
    """
    check_arguments(combine, concat_dim, on_problem)
    opener = Opener(
        kind=xr.DataTree,
        group=group,
        reader=reader,
        loadable_variables=frozen(loadable_variables),
        drop_variables=frozen(drop_variables),
        decode_times=decode_times,
        storage_options=storage_options,
    )
    trees, problems = opened_files(
        list(leaves(expanded(urls, storage_options))),
        opener,
        executor=executor,
        cache=cache,
        progress=progress,
        on_problem=on_problem,
    )
    report = check(trees, concat_dim=concat_dim, storage_options=storage_options)
    parts = [
        _part({url: trees[url] for url in files}, combine, concat_dim) for files in report.groups
    ]
    root = xr.Dataset()
    add_problems(root, [*problems, *_what_is_where(report)])
    return _joined(root, parts)


def _part(trees: Mapping[str, xr.DataTree], combine: str, concat_dim: str | None) -> xr.DataTree:
    nested = list(trees) if combine == "nested" else None
    how = Combination(nested=nested, concat_dim=concat_dim)
    if any(tree.children for tree in trees.values()):
        return combined_trees(trees, how)
    datasets = {url: own_dataset(tree) for url, tree in trees.items()}
    return xr.DataTree(dataset=combined(datasets, how))


def _joined(root: xr.Dataset, parts: Sequence[xr.DataTree]) -> xr.DataTree:
    """Put trees below one group."""
    names, datasets = [""], [root]
    places: list[int | None] = [None]
    for number, part in enumerate(parts):
        at: dict[str, int] = {}
        for node in part.subtree:
            path = node.relative_to(part).strip("./")
            above, _, name = path.rpartition("/")
            places.append(at[above] if path else 0)
            at[path] = len(datasets)
            names.append(name if path else part_name(number))
            datasets.append(own_dataset(node))
    return join_tree(names, datasets, places)


def _what_is_where(report: CompatibilityReport) -> list[Problem]:
    """Say which files are in which group, and why not in the first."""
    if len(report.groups) < 2:
        return []
    total = sum(map(len, report.groups))
    found = []
    for number, files in enumerate(report.groups):
        odd = set(files)
        reasons = [
            finding.problem
            for finding in report.findings
            if finding.problem.severity == "error" and odd.intersection(finding.files)
        ]
        why = f": {reasons[0].what}" if reasons else ""
        found.append(
            Problem(
                code="combine-split",
                where=files[0],
                what=f"the group {part_name(number)} holds {len(files)} of {total} files "
                f"({files_named(files)}){why}",
                hint="open the groups one by one, or have the files repaired",
                variable=reasons[0].variable if reasons else "",
                severity="warning",
            )
        )
    return found
