"""Open many files as one virtual dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

from zarrchive.bridge.alike import joined_at_once
from zarrchive.bridge.combining import Combination, combined
from zarrchive.bridge.folding import folded, is_worth_folding
from zarrchive.bridge.garbage import fewer_collections
from zarrchive.bridge.many_files import (
    Opener,
    argument_problem,
    converted,
    expanded,
    kept,
    leaves,
    opened_files,
)
from zarrchive.bridge.notes import add_problems, notes_of
from zarrchive.bridge.open import StrPath
from zarrchive.bridge.repairing import repaired
from zarrchive.bridge.repairs import REPAIR_LIMIT, Repairs
from zarrchive.errors import CombineError
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike
    from typing import TypeVar

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.bridge.many_files import Pool
    from zarrchive.bridge.progress import Progress
    from zarrchive.readers import Reader

    T = TypeVar("T", xr.Dataset, xr.DataTree)

__all__ = [
    "check_arguments",
    "frozen",
    "is_one_line",
    "open_virtual_mfdataset",
    "preprocessed",
]

Nested = StrPath | list["Nested"]


def open_virtual_mfdataset(  # noqa: PLR0913 - the choices of opening and of combining
    urls: StrPath | Sequence[Any],
    *,
    combine: Literal["by_coords", "nested"] = "by_coords",
    concat_dim: str | Sequence[str | None] | None = None,
    preprocess: Callable[[xr.Dataset], xr.Dataset] | None = None,
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
) -> xr.Dataset:
    """Open files as one virtual dataset, joined by their references alone.

    Nothing is lost or made up without a word: by default, files must agree where they are
    not joined (`join`); small values that differ between files become variables of the joined
    dimension; a variable that only some files have is an error.

    Parameters
    ----------
    urls
        Paths or URLs, a pattern such as ``"data/*.nc"``, or a folder. Nested lists for
        ``combine="nested"`` along several dimensions, as in `xarray.open_mfdataset`.
    combine
        ``"by_coords"``: order and dimensions follow from the coordinates; ``"nested"``: files
        are joined in the order given, along `concat_dim`.
    concat_dim
        Dimension to join along, which may be new; only with ``combine="nested"``.
    preprocess
        Called with each dataset; its ``encoding["source"]`` names the file.
    executor
        Where files are read: None (here, one after the other), ``"threads"``, ``"processes"``,
        or any `concurrent.futures.Executor`, such as ``client.get_executor()`` of Dask.
    cache
        Folder in which to keep what was read. A file that has not changed since (by size, time
        and entity tag) is not read again: not in a second run, not after an interruption, not
        when others are added.
    progress
        Called with the number of files that are done, and of all; what it raises ends the
        work. True: a bar. By default a bar on terminals, where it takes longer than a moment.
    on_problem
        ``"skip"`` leaves out files that cannot be read; ``ds.virtual.problems`` lists them.
        ``"repair"`` does so too, and makes files fit where no number changes by it: values of
        files that are stored in another way than those of most are copied into the dataset; a
        variable that some files lack reads as missing there; coordinates that differ by
        rounding, or run in reverse, become one; large chunks that do not line up are joined as
        they lie; what cannot be stored alike is decoded in all files. The problems say what was
        done.
    repair_limit
        Bytes of values that repairs may copy; what would take more is an error, as without.
    group, reader, loadable_variables, drop_variables, decode_times, storage_options
        See `open_virtual_dataset`.
    compat, join, coords, data_vars, combine_attrs
        As in `xarray.combine_by_coords` and `xarray.combine_nested`. With ``join="outer"`` and
        the like, places that a file lacks become chunks of which nothing is stored, or are shown
        around its shorter chunks (warning ``combine-padded``), and read as missing; variables
        without a missing value are refused. The defaults of `compat`,
        `coords` and `data_vars` follow from the data, so that nothing is compared by reading
        it, and nothing that is known to differ is hidden.

    Raises
    ------
    CombineError
        If the files do not fit together: names the file that differs, and the variable.
    LocationError, FormatError
        If a file cannot be read, with ``on_problem="raise"``.
    """
    check_arguments(combine, concat_dim, on_problem)
    nested = expanded(urls, storage_options)
    opener = Opener(
        kind=xr.Dataset,
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
    files = list(leaves(nested))
    along = str(concat_dim) if combine == "nested" else None
    if may_be_alike and cache is None and is_worth_folding(len(files), executor):
        series = folded(
            files,
            opener,
            concat_dim=along,
            executor=executor,
            progress=progress,
            on_problem=on_problem,
        )
        if series is not None:
            whole, problems = series
            add_problems(whole, problems)
            return whole
    kind: Any = ManifestGroup if may_be_alike else xr.Dataset
    found: dict[str, Any]
    found, problems = opened_files(
        files,
        replace(opener, kind=kind),
        executor=executor,
        cache=cache,
        progress=progress,
        on_problem=on_problem,
    )
    if may_be_alike:
        with fewer_collections():
            at_once = joined_at_once(found, opener, along)
        if at_once is not None:
            add_problems(at_once, problems)
            return at_once
        found, more = converted(found, opener, on_problem=on_problem)
        problems += more
    opened: dict[str, xr.Dataset] = found
    if preprocess is not None:
        opened = preprocessed(preprocess, opened)
    problems += [problem for ds in opened.values() for problem in notes_of(ds).problems]
    how = replace(how, nested=kept(nested, opened) if combine == "nested" else None)
    if on_problem == "repair":
        repairs = Repairs(repair_limit, storage_options, problems)
        opened = repaired(opened, how.dims, repairs)
    result = combined(opened, how)
    add_problems(result, problems)
    return result


def is_one_line(nested: Any, concat_dim: object) -> bool:  # noqa: ANN401 - nested lists
    """Whether files are to be joined along one dimension, in the order in which they are."""
    return isinstance(concat_dim, str) and all(isinstance(one, str) for one in nested)


def preprocessed(preprocess: Callable[[T], T], opened: Mapping[str, T]) -> dict[str, T]:
    """Call `preprocess` with each dataset or tree; what it raises names the file."""
    found = {}
    for url, data in opened.items():
        try:
            found[url] = preprocess(data)
        except Exception as error:
            error.add_note(f"in preprocess of {url}")
            raise
    return found


def frozen(names: str | Iterable[str] | None) -> str | tuple[str, ...] | None:
    """Make names fit to be used for each file, and to be sent to another process."""
    return names if names is None or isinstance(names, str) else tuple(names)


def check_arguments(combine: str, concat_dim: object, on_problem: str) -> None:
    """Refuse what is not known. Raises `CombineError` ``combine-argument``."""
    if combine not in {"by_coords", "nested"}:
        hint = 'use "by_coords" or "nested"'
        raise CombineError(argument_problem("combine", f"{combine!r} is not known", hint))
    if on_problem not in {"raise", "skip", "repair"}:
        hint = 'use "raise", "skip" or "repair"'
        raise CombineError(argument_problem("on_problem", f"{on_problem!r} is not known", hint))
    if combine == "by_coords" and concat_dim is not None:
        what = f"{concat_dim!r} is given, but coordinates decide with combine='by_coords'"
        hint = 'use combine="nested", or leave concat_dim out'
        raise CombineError(argument_problem("concat_dim", what, hint))
