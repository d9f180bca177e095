"""Many files, each as a virtual dataset or tree: read here or on other workers, and remembered."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

import xarray as xr

import zarrchive.bridge.accessor  # noqa: F401 - ds.virtual and tree.virtual
from zarrchive.bridge.choices import Choices
from zarrchive.bridge.dataset import to_dataset
from zarrchive.bridge.datatree import to_datatree
from zarrchive.bridge.garbage import collect_rarely, fewer_collections
from zarrchive.bridge.progress import told
from zarrchive.errors import CombineError, LocationError, Problem, ZarrchiveError
from zarrchive.location import normalise, open_source, redact
from zarrchive.location.beside import neighbours_noted
from zarrchive.location.expand import expand
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests.packing import pack
from zarrchive.optional import import_dask
from zarrchive.readers import read_source
from zarrchive.readers.scan_cache import ScanCache, is_recognisable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from os import PathLike

    from zarrchive.bridge.decoding import DecodeTimes
    from zarrchive.bridge.open import StrPath
    from zarrchive.bridge.progress import Progress
    from zarrchive.location.identity import SourceFile
    from zarrchive.readers import Reader

__all__ = [
    "Opener",
    "Pool",
    "argument_problem",
    "converted",
    "executor_of",
    "expanded",
    "kept",
    "leaves",
    "opened_files",
]

T = TypeVar("T", xr.Dataset, xr.DataTree, ManifestGroup)
_CONVERSIONS: Final[dict[type[Any], Callable[..., Any]]] = {
    xr.Dataset: to_dataset,
    xr.DataTree: to_datatree,
    ManifestGroup: lambda root, **_: root,
}
Pool: TypeAlias = "Executor | Literal['threads', 'processes'] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener(Generic[T]):
    """How each file is opened; can be sent to another process."""

    kind: type[T]
    group: str | None
    reader: str | Reader | None
    loadable_variables: str | tuple[str, ...] | None
    drop_variables: str | tuple[str, ...] | None
    decode_times: DecodeTimes | None
    storage_options: Mapping[str, Any] | None

    @property
    def inline(self) -> frozenset[str] | None:
        """Names of the variables whose values the reader is to keep."""
        return Choices.of(self.loadable_variables, self.drop_variables, self.decode_times).inline()

    def read(self, url: str, known: SourceFile | None, is_kept: bool) -> _Outcome[T]:  # noqa: FBT001 - mapped over
        """Read one file, unless it still is the one that is `known`.

        An error is returned, because an exception would end the whole run of an executor.
        """
        try:
            with (
                open_source(url, storage_options=self.storage_options) as source,
                neighbours_noted() as others,
            ):
                file = source.file
                if known is not None and is_recognisable(file) and file == known:
                    return _Outcome()
                root = read_source(source, reader=self.reader, group=self.group, inline=self.inline)
            packed = _packed(root) if is_kept and not others and is_recognisable(file) else None
            return _Outcome(self.opened(url, root), file=file, packed=packed)
        except ZarrchiveError as error:
            return _Outcome(error=error)

    def opened(self, url: str, root: ManifestGroup) -> T:
        """Return the hierarchy of a file as what is wanted of it."""
        convert: Callable[..., Any] = _CONVERSIONS[self.kind]
        made: T = convert(
            root,
            loadable_variables=self.loadable_variables,
            drop_variables=self.drop_variables,
            decode_times=self.decode_times,
            storage_options=self.storage_options,
            where=redact(normalise(url)),
            path="/" + (self.group or "").strip("/"),
        )
        return made


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """What became of a file; nothing where it has not changed since it was read last."""

    data: T | None = None
    error: ZarrchiveError | None = None
    file: SourceFile | None = None
    packed: bytes | None = None
    """What was read of it, to be kept."""


def opened_files(  # noqa: PLR0913 - where, how, and what is told meanwhile
    urls: Sequence[str],
    opener: Opener[T],
    *,
    executor: Pool,
    cache: str | PathLike[str] | None,
    progress: Progress,
    on_problem: str,
) -> tuple[dict[str, T], list[Problem]]:
    """Open files; return what was opened, by URL, and the problems of those that were not.

    Raises
    ------
    LocationError, FormatError
        Of the first file that cannot be read, with ``on_problem="raise"``.
    CombineError
        If no file can be read.
    """
    found: dict[str, T] = {}
    errors: list[ZarrchiveError] = []
    with ExitStack() as stack:
        stack.enter_context(fewer_collections())
        store = None if cache is None else stack.enter_context(_store(cache, opener))
        pool = stack.enter_context(executor_of(executor, len(urls)))
        tell = stack.enter_context(told(progress, "Reading files", len(urls)))
        for done, (url, outcome) in enumerate(_outcomes(urls, opener, pool, store), 1):
            if outcome.error is not None:
                errors.append(outcome.error)
                if on_problem == "raise":
                    raise outcome.error
            elif outcome.data is not None:
                found[url] = outcome.data
            tell(done)
    problems = [problem for error in errors for problem in error.problems]
    if not found:
        raise CombineError(*problems)
    return found, problems


def converted(
    roots: Mapping[str, ManifestGroup], opener: Opener[T], *, on_problem: str
) -> tuple[dict[str, T], list[Problem]]:
    """Turn what was read of files into what is wanted of them; as `opened_files`."""
    found: dict[str, T] = {}
    errors: list[ZarrchiveError] = []
    with fewer_collections():
        for url, root in roots.items():
            try:
                found[url] = opener.opened(url, root)
            except ZarrchiveError as error:
                if on_problem == "raise":
                    raise
                errors.append(error)
    problems = [problem for error in errors for problem in error.problems]
    if not found:
        raise CombineError(*problems)
    return found, problems


def _outcomes(
    urls: Sequence[str], opener: Opener[T], pool: Executor | None, store: ScanCache | None
) -> Iterator[tuple[str, _Outcome[T]]]:
    """Read what has to be read, and keep it; in the order of `urls`."""
    keys = [redact(normalise(url)) for url in urls]
    known = {} if store is None else store.known(keys)
    arguments = (urls, [known.get(key) for key in keys], [store is not None] * len(urls))
    if pool is None:
        outcomes: Iterable[_Outcome[T]] = map(opener.read, *arguments)
    elif isinstance(pool, ProcessPoolExecutor):
        outcomes = pool.map(opener.read, *arguments, chunksize=_chunksize(len(urls)))
    else:
        outcomes = pool.map(opener.read, *arguments)
    for url, key, outcome in zip(urls, keys, outcomes, strict=True):
        if store is None:
            yield url, outcome
            continue
        if outcome.data is None and outcome.error is None:
            outcome = _remembered(url, key, opener, store)  # noqa: PLW2901 - what it stands for
        if outcome.packed is not None and outcome.file is not None:
            store.put(key, outcome.file, outcome.packed)
        yield url, outcome


def _remembered(url: str, key: str, opener: Opener[T], store: ScanCache) -> _Outcome[T]:
    root = store.get(key)
    if root is None:
        return opener.read(url, None, True)
    try:
        return _Outcome(opener.opened(url, root))
    except ZarrchiveError as error:
        return _Outcome(error=error)


def _store(cache: str | PathLike[str], opener: Opener[T]) -> ScanCache:
    return ScanCache(cache, reader=opener.reader, group=opener.group, inline=opener.inline)


def _packed(root: ManifestGroup) -> bytes | None:
    """Return a hierarchy as bytes; None where a plug-in made what has no such form."""
    try:
        return pack(root)
    except TypeError:
        return None


def _chunksize(n_files: int) -> int:
    """Return how many files a process is given at once: enough that sending them costs little."""
    return max(1, min(64, n_files // (8 * multiprocessing.cpu_count())))


@contextmanager
def executor_of(executor: Executor | str | None, n_files: int) -> Iterator[Executor | None]:
    """Return the executor that is meant; one that is made here ends with its work.

    Raises `CombineError` ``combine-argument`` for a name that is none.
    """
    if not isinstance(executor, str):
        yield executor
        return
    workers = max(1, min(n_files, multiprocessing.cpu_count()))
    pool: Executor
    if executor == "threads":
        import_dask()
        pool = ThreadPoolExecutor(workers)
    elif executor == "processes":
        # A forked copy of a process with threads may wait for ever.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=collect_rarely)
    else:
        what = f"{executor!r} is no executor"
        hint = 'give "threads", "processes", a concurrent.futures.Executor or None'
        raise CombineError(argument_problem("executor", what, hint))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def argument_problem(name: str, what: str, hint: str) -> Problem:
    """Say that an argument cannot be used."""
    return Problem(code="combine-argument", where=name, what=what, hint=hint)


def expanded(urls: Any, storage_options: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - nested
    """Return the files that are meant, in the nesting that is given."""
    if not isinstance(urls, list | tuple):
        return expand(urls, storage_options=storage_options)
    if any(isinstance(one, list | tuple) for one in urls):
        return [expanded(one, storage_options) for one in urls]
    return [file for one in urls for file in _expanded_one(one, storage_options)]


def _expanded_one(one: StrPath, storage_options: Mapping[str, Any] | None) -> list[str]:
    """Return the files that one entry of a list means; itself where it means none.

    Reading it then says what is wrong, so that ``on_problem="skip"`` skips that entry alone.
    """
    try:
        return expand(one, storage_options=storage_options)
    except LocationError:
        return [normalise(one)]


def leaves(nested: Any) -> Iterator[str]:  # noqa: ANN401 - nested
    """Return the files of a nesting, in order."""
    if isinstance(nested, str):
        yield nested
    else:
        for one in nested:
            yield from leaves(one)


def kept(nested: Any, opened: Mapping[str, Any]) -> Any:  # noqa: ANN401 - nested
    """Return the nesting without the files that were left out."""
    if isinstance(nested, str):
        return nested
    remaining = (one for one in nested if not isinstance(one, str) or one in opened)
    return [kept(one, opened) for one in remaining]
