"""Open many files as one virtual dataset."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

from zarrchive.bridge.combining import Combination, combined
from zarrchive.bridge.notes import add_problems, notes_of
from zarrchive.bridge.open import StrPath, open_virtual_dataset
from zarrchive.errors import CombineError, LocationError, Problem, ZarrchiveError
from zarrchive.location import normalise
from zarrchive.location.expand import expand
from zarrchive.optional import import_dask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.readers import Reader

__all__ = ["open_virtual_mfdataset"]

Nested = StrPath | list["Nested"]


def open_virtual_mfdataset(  # noqa: PLR0913 - the choices of opening and of combining
    urls: StrPath | Sequence[Any],
    *,
    combine: Literal["by_coords", "nested"] = "by_coords",
    concat_dim: str | Sequence[str | None] | None = None,
    preprocess: Callable[[xr.Dataset], xr.Dataset] | None = None,
    executor: Executor | Literal["threads", "processes"] | None = None,
    on_problem: Literal["raise", "skip"] = "raise",
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
        or any `concurrent.futures.Executor`.
    on_problem
        ``"skip"`` leaves out files that cannot be read; ``ds.virtual.problems`` lists them.
    group, reader, loadable_variables, drop_variables, decode_times, storage_options
        See `open_virtual_dataset`.
    compat, join, coords, data_vars, combine_attrs
        As in `xarray.combine_by_coords` and `xarray.combine_nested`. The defaults of `compat`,
        `coords` and `data_vars` follow from the data, so that nothing is compared by reading
        it, and nothing that is known to differ is hidden.

    Raises
    ------
    CombineError
        If the files do not fit together: names the file that differs, and the variable.
    LocationError, FormatError
        If a file cannot be read, with ``on_problem="raise"``.
    """
    _check_arguments(combine, concat_dim, on_problem)
    nested = _expanded(urls, storage_options)
    files = list(_leaves(nested))
    read = partial(
        _read,
        group=group,
        reader=reader,
        loadable_variables=_frozen(loadable_variables),
        drop_variables=_frozen(drop_variables),
        decode_times=decode_times,
        storage_options=storage_options,
    )
    with _executor_of(executor, len(files)) as pool:
        outcomes = dict(zip(files, (map if pool is None else pool.map)(read, files), strict=True))
    opened, skipped = _judged(outcomes, on_problem)
    if preprocess is not None:
        opened = {url: _preprocessed(preprocess, url, dataset) for url, dataset in opened.items()}
    result = combined(
        opened,
        Combination(
            nested=_kept(nested, opened) if combine == "nested" else None,
            concat_dim=concat_dim,
            compat=compat,
            join=join,
            coords=coords,
            data_vars=data_vars,
            combine_attrs=combine_attrs,
        ),
    )
    add_problems(result, [*skipped, *(p for ds in opened.values() for p in notes_of(ds).problems)])
    return result


@dataclass(frozen=True, slots=True)
class _Failed:
    """A file that could not be read; an exception would end the whole run of an executor."""

    error: ZarrchiveError


def _read(url: str, **options: Any) -> xr.Dataset | _Failed:  # noqa: ANN401 - of `open_virtual_dataset`
    try:
        return open_virtual_dataset(url, **options)
    except ZarrchiveError as error:
        return _Failed(error)


def _judged(
    outcomes: Mapping[str, xr.Dataset | _Failed], on_problem: str
) -> tuple[dict[str, xr.Dataset], list[Problem]]:
    """Split into what was opened and the problems of what was not; raise where that is asked."""
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, _Failed)]
    if failed and on_problem == "raise":
        raise failed[0].error
    problems = [problem for failure in failed for problem in failure.error.problems]
    opened = {url: one for url, one in outcomes.items() if isinstance(one, xr.Dataset)}
    if not opened:
        raise CombineError(*problems)
    return opened, problems


def _preprocessed(
    preprocess: Callable[[xr.Dataset], xr.Dataset], url: str, dataset: xr.Dataset
) -> xr.Dataset:
    try:
        return preprocess(dataset)
    except Exception as error:
        error.add_note(f"in preprocess of {url}")
        raise


def _expanded(urls: Any, storage_options: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - nested
    """Return the files that are meant, in the nesting that is given."""
    if not isinstance(urls, list | tuple):
        return expand(urls, storage_options=storage_options)
    if any(isinstance(one, list | tuple) for one in urls):
        return [_expanded(one, storage_options) for one in urls]
    return [file for one in urls for file in _expanded_one(one, storage_options)]


def _expanded_one(one: StrPath, storage_options: Mapping[str, Any] | None) -> list[str]:
    """Return the files that one entry of a list means; itself where it means none.

    Reading it then says what is wrong, so that ``on_problem="skip"`` skips that entry alone.
    """
    try:
        return expand(one, storage_options=storage_options)
    except LocationError:
        return [normalise(one)]


def _leaves(nested: Any) -> Iterator[str]:  # noqa: ANN401 - nested
    if isinstance(nested, str):
        yield nested
    else:
        for one in nested:
            yield from _leaves(one)


def _kept(nested: Any, opened: Mapping[str, Any]) -> Any:  # noqa: ANN401 - nested
    """Return the nesting without the files that were left out."""
    if isinstance(nested, str):
        return nested
    kept = (one for one in nested if not isinstance(one, str) or one in opened)
    return [_kept(one, opened) for one in kept]


def _frozen(names: str | Iterable[str] | None) -> str | tuple[str, ...] | None:
    """Make names fit to be used for each file, and to be sent to another process."""
    return names if names is None or isinstance(names, str) else tuple(names)


@contextmanager
def _executor_of(executor: Executor | str | None, n_files: int) -> Iterator[Executor | None]:
    if not isinstance(executor, str):
        yield executor
        return
    workers = max(1, min(n_files, multiprocessing.cpu_count()))
    if executor == "threads":
        import_dask()
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    elif executor == "processes":
        # A forked copy of a process with threads may wait for ever.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as processes:
            yield processes
    else:
        what = f"{executor!r} is no executor"
        hint = 'give "threads", "processes", a concurrent.futures.Executor or None'
        raise CombineError(_argument("executor", what, hint))


def _check_arguments(combine: str, concat_dim: object, on_problem: str) -> None:
    if combine not in {"by_coords", "nested"}:
        hint = 'use "by_coords" or "nested"'
        raise CombineError(_argument("combine", f"{combine!r} is not known", hint))
    if on_problem not in {"raise", "skip"}:
        hint = 'use "raise" or "skip"'
        raise CombineError(_argument("on_problem", f"{on_problem!r} is not known", hint))
    if combine == "by_coords" and concat_dim is not None:
        what = f"{concat_dim!r} is given, but coordinates decide with combine='by_coords'"
        hint = 'use combine="nested", or leave concat_dim out'
        raise CombineError(_argument("concat_dim", what, hint))


def _argument(name: str, what: str, hint: str) -> Problem:
    return Problem(code="combine-argument", where=name, what=what, hint=hint)
