"""Carry out a plan: the same calls as in the printed script, on files that are already read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

import zarrchive.bridge.accessor  # noqa: F401 - results have .virtual
from zarrchive.bridge.combining import Combination, combined
from zarrchive.bridge.combining_trees import combined_trees
from zarrchive.bridge.dataset import from_dataset, to_dataset
from zarrchive.bridge.datatree import from_datatree, to_datatree
from zarrchive.bridge.notes import add_problems, notes_of
from zarrchive.bridge.repairing import repaired
from zarrchive.bridge.repairs import REPAIR_LIMIT, Repairs
from zarrchive.combine.agreeing import part_name
from zarrchive.combine.grid import nested
from zarrchive.session.state import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Part, Plan
    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup
    from zarrchive.session.tasks import Job

_OPTIONS: Final[Mapping[str, Any]] = {
    "data_vars": "minimal",
    "coords": "minimal",
    "compat": "override",
    "join": "exact",
    "combine_attrs": "override",
}

__all__ = ["carry_out", "group_of", "repairs_of", "result_of"]


def carry_out(
    plan: Plan, scan: Callable[[str], Contents], job: Job
) -> xr.Dataset | xr.DataTree | None:
    """Return the combined virtual dataset or tree; None if the job was cancelled.

    Raises
    ------
    ZarrchiveError, ValueError
        Where files do not fit together after all.
    """
    parts = []
    problems: list[Problem] = []
    total = len(plan.files)
    done = 0
    for part in plan.parts:
        opened: dict[str, Any] = {}
        for url in part.files:
            if job.cancelled.is_set():
                return None
            opened[url] = _opened(plan, part, scan(url))
            done += 1
            job.progress(done, total)
        options = scan(part.files[0]).storage_options
        repairs = Repairs(REPAIR_LIMIT, options, []) if plan.repair else None
        parts.append(_joined(plan, opened, repairs) if plan.dim else next(iter(opened.values())))
        problems += [] if repairs is None else repairs.problems
    combined: xr.Dataset | xr.DataTree
    if plan.split:
        combined = xr.DataTree.from_dict({f"/{part_name(i)}": one for i, one in enumerate(parts)})
    else:
        combined = parts[0] if len(parts) == 1 else _merged(parts)
    if plan.labels is not None:
        combined.coords[plan.dim] = _label_values(plan.labels, are_times=plan.labels_are_times)
    add_problems(combined, problems)
    return combined


def group_of(dataset: xr.Dataset | xr.DataTree) -> ManifestGroup:
    """Return a combined dataset as a hierarchy of virtual arrays."""
    if isinstance(dataset, xr.DataTree):
        return from_datatree(dataset)
    return from_dataset(dataset)


def repairs_of(dataset: xr.Dataset | xr.DataTree) -> tuple[Problem, ...]:
    """Return what was repaired on the way."""
    nodes = dataset.subtree if isinstance(dataset, xr.DataTree) else [dataset]
    found = dict.fromkeys(problem for node in nodes for problem in notes_of(node).problems)
    return tuple(
        replace(problem, variable=f"/{problem.variable.lstrip('/')}")
        for problem in found
        if problem.code == "combine-repaired"
    )


def result_of(dataset: xr.Dataset | xr.DataTree) -> Result:
    """Describe the combined dataset for the interface."""
    group = group_of(dataset)
    arrays = [array for _, node in group.walk() for array in node.arrays.values()]
    dims: dict[str, int] = {}
    nodes = dataset.subtree if isinstance(dataset, xr.DataTree) else [dataset]
    for node in nodes:
        for name, size in node.sizes.items():
            dims.setdefault(str(name), int(size))
    with xr.set_options(display_expand_data=False):  # type: ignore[no-untyped-call]
        html, text = dataset._repr_html_(), repr(dataset)
    return Result(
        kind="datatree" if isinstance(dataset, xr.DataTree) else "dataset",
        html=html,
        text=text,
        nrefs=sum(array.manifest.nrefs for array in arrays),
        nvariables=len(arrays),
        dims=dims,
    )


def _opened(plan: Plan, part: Part, contents: Contents) -> xr.Dataset | xr.DataTree:
    options: dict[str, Any] = {
        "storage_options": contents.storage_options,
        "where": contents.url,
    }
    if plan.load:
        options["loadable_variables"] = part.load
    if plan.drop:
        options["drop_variables"] = list(plan.drop)
    if plan.kind == "datatree":
        return to_datatree(contents.root, **options)
    return to_dataset(contents.root, **options)


def _joined(
    plan: Plan,
    opened: Mapping[str, Any],
    repairs: Repairs | None,
) -> Any:  # noqa: ANN401 - datasets or trees
    urls, along = list(opened), plan.along
    how = Combination(
        nested=nested(urls, [count for _, count in plan.grid]) if plan.grid else urls,
        concat_dim=list(along) if plan.grid else plan.dim,
        **{**_OPTIONS, "data_vars": "all" if plan.is_new_dim else "minimal"},
    )
    if plan.kind == "datatree":
        return combined_trees(opened, how, repairs)
    if repairs is not None:
        opened = repaired(opened, lambda _: list(along), repairs)
    return combined(opened, how)


def _merged(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - datasets or trees
    if isinstance(parts[0], xr.Dataset):
        return xr.merge(parts, compat="override", join="exact", combine_attrs="override")
    merged = {}
    for path in dict.fromkeys(path for tree in parts for path in tree.groups):
        nodes = [tree[path].to_dataset(inherit=False) for tree in parts if path in tree.groups]
        merged[path] = xr.merge(nodes, compat="override", join="exact", combine_attrs="override")
    return xr.DataTree.from_dict(merged)


def _label_values(labels: Sequence[str], *, are_times: bool) -> Any:  # noqa: ANN401 - a list or array
    return np.array(labels, dtype="datetime64[ns]") if are_times else list(labels)
