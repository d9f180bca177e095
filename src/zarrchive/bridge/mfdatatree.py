"""Open many files as one virtual tree, group by group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

from zarrchive.bridge.alike_trees import tree_joined_at_once
from zarrchive.bridge.combining import Combination
from zarrchive.bridge.combining_trees import combined_trees
from zarrchive.bridge.garbage import fewer_collections
from zarrchive.bridge.many_files import Opener, converted, expanded, kept, leaves, opened_files
from zarrchive.bridge.mfdataset import check_arguments, frozen, is_one_line, preprocessed
from zarrchive.bridge.notes import add_problems
from zarrchive.bridge.repairs import REPAIR_LIMIT, Repairs
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.bridge.many_files import Pool
    from zarrchive.bridge.mfdataset import Nested
    from zarrchive.bridge.progress import Progress
    from zarrchive.readers import Reader

__all__ = ["open_virtual_mfdatatree"]


def open_virtual_mfdatatree(  # noqa: PLR0913 - the choices of opening and of combining
    urls: Nested | Sequence[Any],
    *,
    combine: Literal["by_coords", "nested"] = "by_coords",
    concat_dim: str | Sequence[str | None] | None = None,
    preprocess: Callable[[xr.DataTree], xr.DataTree] | None = None,
    executor: Pool = None,
    cache: str | PathLike[str] | None = None,
    progress: Progress = None,
    on_problem: Literal["raise", "skip", "repair"] = "raise",
    repair_limit: int = REPAIR_LIMIT,
    group: str | None = None,
    reader: str | Reader | None = None,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
    compat: str | None = None,
    join: str = "exact",
    coords: str | Sequence[str] | None = None,
    data_vars: str | Sequence[str] | None = None,
    combine_attrs: str | Callable[..., Any] = "override",
) -> xr.DataTree:
    """Open hierarchical files as one virtual tree: each group is joined with those of its path.

    A group in which nothing varies along what is joined is taken once; where files disagree in
    it, ``tree.virtual.problems`` says so.

    Parameters
    ----------
    urls, combine, executor, cache, progress, on_problem, repair_limit
        See `open_virtual_mfdataset`.
    concat_dim
        As there. A dimension that no group has yet is made in every group that has variables.
    preprocess
        Called with each tree.
    group, reader, loadable_variables, drop_variables, decode_times, storage_options
        See `open_virtual_datatree`.
    compat, join, coords, data_vars, combine_attrs
        See `open_virtual_mfdataset`; they hold for every group.

    Raises
    ------
    CombineError
        If the files do not fit together: names the file that differs, and the variable or
        group.
    LocationError, FormatError
        If a file cannot be read, with ``on_problem="raise"``.
    """
    check_arguments(combine, concat_dim, on_problem)
    nested = expanded(urls, storage_options)
    opener = Opener(
        kind=xr.DataTree,
        group=group,
        reader=reader,
        loadable_variables=frozen(loadable_variables),
        drop_variables=frozen(drop_variables),
        decode_times=decode_times,
        storage_options=storage_options,
    )
    how = Combination(
        concat_dim=concat_dim,
        compat=compat,
        join=join,
        coords=coords,
        data_vars=data_vars,
        combine_attrs=combine_attrs,
    )
    may_be_alike = (
        preprocess is None
        and loadable_variables is None
        and how.is_usual
        and (combine == "by_coords" or is_one_line(nested, concat_dim))
    )
    kind: Any = ManifestGroup if may_be_alike else xr.DataTree
    found: dict[str, Any]
    found, problems = opened_files(
        list(leaves(nested)),
        replace(opener, kind=kind),
        executor=executor,
        cache=cache,
        progress=progress,
        on_problem=on_problem,
    )
    if may_be_alike:
        along = str(concat_dim) if combine == "nested" else None
        with fewer_collections():
            at_once = tree_joined_at_once(found, opener, along)
        if at_once is not None:
            add_problems(at_once, problems)
            return at_once
        found, more = converted(found, opener, on_problem=on_problem)
        problems += more
    opened: dict[str, xr.DataTree] = found
    if preprocess is not None:
        opened = preprocessed(preprocess, opened)
    how = replace(how, nested=kept(nested, opened) if combine == "nested" else None)
    repairs = Repairs(repair_limit, storage_options, []) if on_problem == "repair" else None
    result = combined_trees(opened, how, repairs)
    add_problems(result, problems)
    return result
