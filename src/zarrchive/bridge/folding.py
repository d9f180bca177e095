"""Many alike files, joined batch by batch while they are read, so that little is held of each.

Where files are read elsewhere, what comes back is a batch of them, joined: reading scales with
the number of workers. Wherever files are not alike, there is no result, and they go the long way.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from zarrchive.bridge.alike import Series, series_of, whole_series, without_dropped
from zarrchive.bridge.garbage import fewer_collections
from zarrchive.bridge.many_files import executor_of
from zarrchive.bridge.progress import told
from zarrchive.errors import CombineError, ZarrchiveError
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    import xarray as xr

    from zarrchive.bridge.many_files import Opener, Pool
    from zarrchive.bridge.progress import Progress
    from zarrchive.errors import Problem

__all__ = ["folded", "is_worth_folding"]

_MANY: Final = 1000
"""Files from which on it matters what is held of each."""
_BATCH: Final = 256
"""Files of a batch at most."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What became of some files."""

    count: int
    series: Series | None
    """None where no file could be read, or they are not alike."""
    errors: tuple[ZarrchiveError, ...]
    is_alike: bool


def is_worth_folding(n_files: int, executor: Pool) -> bool:
    """Whether files are so many, or read elsewhere, that batches of them are better joined."""
    return n_files >= (_MANY if executor is None else 4 * _workers(executor))


def folded(  # noqa: PLR0913 - where, how, and what is told meanwhile
    urls: Sequence[str],
    opener: Opener[xr.Dataset],
    *,
    concat_dim: str | None,
    executor: Pool,
    progress: Progress,
    on_problem: str,
) -> tuple[xr.Dataset, list[Problem]] | None:
    """Return files that differ in one ascending coordinate as one dataset; None if they do not.

    Parameters
    ----------
    urls
        In the order in which they were given; batches must not overlap.
    concat_dim
        The coordinate in which they have to differ, and rise in this order; None: any.
    opener, executor, progress, on_problem
        As for `zarrchive.bridge.many_files.opened_files`.

    Raises
    ------
    LocationError, FormatError
        Of the first file that cannot be read, with ``on_problem="raise"``.
    CombineError
        If no file can be read.
    """
    parts: list[Series] = []
    errors: list[ZarrchiveError] = []
    done = 0
    with ExitStack() as stack:
        stack.enter_context(fewer_collections())
        pool = stack.enter_context(executor_of(executor, len(urls)))
        tell = stack.enter_context(told(progress, "Reading files", len(urls)))
        for batch in _batches(urls, opener, pool, executor):
            errors += batch.errors
            if errors and on_problem == "raise":
                raise errors[0]
            if not batch.is_alike:
                return None
            if batch.series is not None:
                parts.append(batch.series)
            done += batch.count
            tell(done)
    problems = [problem for error in errors for problem in error.problems]
    if not parts:
        raise CombineError(*problems)
    series = _joined(parts)
    whole = None if series is None else whole_series(series, opener, concat_dim)
    return None if whole is None else (whole, problems)


def _batches(
    urls: Sequence[str], opener: Opener[xr.Dataset], pool: Executor | None, executor: Pool
) -> Iterable[_Batch]:
    size = min(_BATCH, -(-len(urls) // (4 * _workers(executor))))
    count = -(-len(urls) // max(size, 2))
    cuts = [len(urls) * number // count for number in range(count + 1)]
    batches = [urls[start:stop] for start, stop in pairwise(cuts)]
    reader: Any = replace(opener, kind=ManifestGroup)  # type: ignore[arg-type]
    read = partial(_read, reader, opener)
    return map(read, batches) if pool is None else pool.map(read, batches)


def _workers(executor: Pool) -> int:
    return 1 if executor is None else os.cpu_count() or 1


def _read(reader: Opener[ManifestGroup], opener: Opener[xr.Dataset], urls: Sequence[str]) -> _Batch:
    """Read some files, and join them."""
    found: dict[str, ManifestGroup] = {}
    errors: list[ZarrchiveError] = []
    for url in urls:
        outcome = reader.read(url, None, False)
        if outcome.error is not None:
            errors.append(outcome.error)
        elif outcome.data is not None:
            found[url] = outcome.data
    members = without_dropped(found, opener)
    if len(members) > 1:
        series = series_of(members)
        return _Batch(len(urls), series, tuple(errors), series is not None)
    alone = [Series(dim="", first=url, joined=group) for url, group in members.items()]
    return _Batch(len(urls), alone[0] if alone else None, tuple(errors), is_alike=True)


def _joined(parts: Sequence[Series]) -> Series | None:
    """Join batches as if they were files."""
    if len(parts) == 1:
        return parts[0] if parts[0].dim else None
    whole = series_of({part.first: part.joined for part in parts})
    if whole is None or any(part.dim not in {"", whole.dim} for part in parts):
        return None
    unseen = next((part.unseen for part in parts if part.unseen), whole.unseen)
    is_in_order = whole.is_in_order and all(part.is_in_order for part in parts)
    return replace(whole, unseen=unseen, is_in_order=is_in_order)
