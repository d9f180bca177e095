"""Everything that is not a local file, through fsspec: object stores, HTTP, memory, caches."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.zip import ZipFileSystem

from zarrchive.errors import LocationError, Problem, StaleSourceError, ZarrchiveError
from zarrchive.location.credentials import recall, remember
from zarrchive.location.file_object import SourceFileObject
from zarrchive.location.identity import SourceFile, problems_of_change
from zarrchive.location.local import LocalSource
from zarrchive.location.redact import causes_of, presentable_cause, redact, redact_text
from zarrchive.location.source import ByteRange, Request, check_ranges, short_read
from zarrchive.location.url import is_local, join, parent, protocol, split_archive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

__all__ = [
    "RemoteSource",
    "file_system",
    "modified_ns",
    "problem_of_failure",
]

_CHAIN: Final = re.compile(r"::[A-Za-z][A-Za-z0-9+.-]+(?:::|://)|^[A-Za-z][A-Za-z0-9+.-]+::")
_ETAG_KEYS: Final = ("ETag", "etag", "e_tag", "Etag", "content_md5", "Content-MD5", "md5Hash")
_MTIME_KEYS: Final = (
    *("mtime", "LastModified", "last_modified", "Last-Modified", "lastModified"),
    *("modified", "updated", "timeModified", "modify", "created"),
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class RemoteSource:
    """One object read through fsspec; nothing is cached and nothing is tried twice."""

    file: SourceFile
    _url: str
    """With credentials; never shown."""
    _system: Any
    _path: str
    _options: Mapping[str, Any]
    """What each read passes on to the file system."""
    _log: list[Request] = field(default_factory=list)

    @classmethod
    def open(cls, url: str, *, storage_options: Mapping[str, Any] | None = None) -> Self:
        """Ask for size and identity of the object at `url`: one request, no data.

        Raises
        ------
        LocationError
            ``location-protocol``, ``location-missing``, ``location-permission``,
            ``location-not-a-file``, ``location-unreachable`` or ``source-no-size``.
        """
        system, path = file_system(url, storage_options=storage_options)
        file = _look(url, system, path)
        return cls(file, url, system, path, _read_options(url, system, file))

    @property
    def size(self) -> int:
        return self.file.size or 0

    @property
    def local_path(self) -> str | None:
        return None

    @property
    def requests(self) -> Sequence[Request]:
        return tuple(self._log)

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        check_ranges(self.file, self.size, ranges)
        wanted = [ByteRange(*one) for one in ranges if one[1]]
        fetched = iter(self._checked(wanted) if wanted else [])
        return [next(fetched) if one[1] else b"" for one in ranges]

    def open_beside(self, relative: str) -> RemoteSource:
        """Open another object of the folder, with the same credentials: one request.

        Raises `LocationError` as `open`; ``location-alone`` for an object without a folder.
        """
        folder = parent(self._url)
        if folder is None:
            raise LocationError(_no_folder(self.file.url, relative))
        url = join(folder, relative)
        remember(url)
        path = self._system._strip_protocol(url)  # noqa: SLF001 - as fsspec.open
        if _CHAIN.search(self._url):
            path = f"{self._path.rpartition('/')[0]}/{relative}"
        file = _look(url, self._system, str(path))
        return RemoteSource(file, url, self._system, path, _read_options(url, self._system, file))

    def close(self) -> None:
        """Do nothing: the connection belongs to fsspec, which shares it with other files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _checked(self, wanted: list[ByteRange]) -> list[bytes]:
        results = self._fetch(wanted)
        if any(_status(result) == 412 for result in results):
            results = self._fetch_after_refusal(wanted)
        return [self._whole(one, result) for one, result in zip(wanted, results, strict=True)]

    def _fetch(self, wanted: list[ByteRange]) -> list[bytes | Exception]:
        began = time.perf_counter()
        try:
            results: list[bytes | Exception] = self._system.cat_ranges(
                [self._path] * len(wanted),
                [one.offset for one in wanted],
                [one.offset + one.length for one in wanted],
                on_error="return",
                **self._options,
            )
        except Exception as error:  # noqa: BLE001 - fsspec file systems may raise anything
            results = [error] * len(wanted)
        seconds = time.perf_counter() - began
        self._log.extend(Request(*one, seconds) for one in wanted)
        return results

    def _fetch_after_refusal(self, wanted: list[ByteRange]) -> list[bytes | Exception]:
        """Find out whether the file has changed, or the server misjudges its own entity tag."""
        now = _look(self._url, self._system, self._path)
        if problems := problems_of_change(self.file, now):
            raise StaleSourceError(*problems)
        headers = {**self._options["headers"]}
        headers.pop("If-Match", None)
        self._options = {**self._options, "headers": headers}
        return self._fetch(wanted)

    def _whole(self, wanted: ByteRange, result: bytes | Exception) -> bytes:
        """Return a result only if it is exactly what was wanted."""
        if isinstance(result, Exception):
            problem = problem_of_failure(self._url, result)
            raise LocationError(problem) from presentable_cause(result)
        if len(result) < wanted.length:
            raise short_read(self.file, wanted, found=len(result))
        if len(result) > wanted.length:
            raise LocationError(
                Problem(
                    code="source-no-ranges",
                    where=self.file.url,
                    what=(
                        f"the server answers a request for {wanted.length} bytes with "
                        f"{len(result)}: it does not serve parts of a file"
                    ),
                    hint="download the file, or use a server that supports range requests",
                )
            )
        return bytes(result)


def file_system(url: str, *, storage_options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Return the fsspec file system of `url`, and the path of `url` in it.

    Raises
    ------
    LocationError
        ``location-protocol`` if the protocol is unknown or its package is not installed,
        ``location-unreachable`` if the file system refuses its options.
    """
    options = dict(storage_options or {})
    scheme = protocol(url)
    try:
        if parts := split_archive(url):
            return _archive_system(parts[1], options), parts[0]
        if _CHAIN.search(url):
            system, path = url_to_fs(url, **options)
            return system, str(path)
        # Not url_to_fs: it takes every "::" for a link of a chain, even in "http://[::1]/".
        kind: Any = fsspec.get_filesystem_class(scheme)
        system = kind(**{**kind._get_kwargs_from_urls(url), **options})  # noqa: SLF001 - as fsspec.open
        return system, str(kind._strip_protocol(url))  # noqa: SLF001 - as fsspec.open
    except ZarrchiveError:
        raise
    except ImportError as error:
        raise LocationError(_missing_package(url, error)) from error
    except ValueError as error:
        if scheme not in fsspec.available_protocols():
            raise LocationError(_unknown_protocol(url)) from error
        raise LocationError(problem_of_failure(url, error)) from presentable_cause(error)
    except Exception as error:  # noqa: BLE001 - fsspec file systems may raise anything
        raise LocationError(problem_of_failure(url, error)) from presentable_cause(error)


def _archive_system(archive: str, options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - fsspec is untyped
    if is_local(archive):
        # As a URL, fsspec would split a path at "::".
        return ZipFileSystem(SourceFileObject(LocalSource.open(archive)))
    scheme = protocol(archive)
    inner = options.get(scheme)
    return ZipFileSystem(
        recall(archive), target_options=inner if isinstance(inner, dict) else options
    )


def problem_of_failure(url: str, error: BaseException) -> Problem:
    """Say what another library's exception means for the person who wants `url`."""
    statuses = [_status(one) for one in causes_of(error)]
    status = next((one for one in statuses if one), None)
    where = redact(url)
    if status in {401, 403} or isinstance(error, PermissionError):
        return Problem(
            code="location-permission",
            where=where,
            what=f"access is refused{f' (HTTP status {status})' if status else ''}",
            hint="pass credentials in storage_options, or check that yours may read it",
        )
    is_missing = isinstance(error, FileNotFoundError) and len(statuses) == 1
    if is_missing or status in {404, 410}:
        return Problem(
            code="location-missing",
            where=where,
            what=f"there is no such object{f' (HTTP status {status})' if status else ''}",
            hint="check the spelling of the URL, and that the object still exists",
        )
    if isinstance(error, IsADirectoryError):
        return _not_a_file(where)
    if isinstance(error, BadZipFile):
        return Problem(
            code="archive-damaged",
            where=where,
            what=f"the archive cannot be unpacked: {error}",
            hint="test the archive with `unzip -t`, and fetch it again",
        )
    last = causes_of(error)[-1]
    reason = redact_text(str(last)) or "no reason given"
    return Problem(
        code="location-unreachable",
        where=where,
        what=f"it cannot be read: {type(last).__name__}: {reason}",
        hint="check the connection and the address, then try again",
    )


def modified_ns(info: Mapping[str, Any]) -> int | None:
    """Return the modification time of an fsspec ``info``, in nanoseconds since 1970 UTC."""
    for key in _MTIME_KEYS:
        if (found := _time_ns(info.get(key))) is not None:
            return found
    return None


def _time_ns(value: object) -> int | None:
    if isinstance(value, str):
        value = _parse_time(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return int(value * 1_000_000) * 1000
    return None


def _parse_time(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(text)
        except (ValueError, TypeError):
            continue
    return None


def _look(url: str, system: Any, path: str) -> SourceFile:  # noqa: ANN401 - fsspec is untyped
    try:
        # A listing kept from earlier would show the object as it was then.
        system.invalidate_cache(path)
        info = system.info(path)
    except Exception as error:  # noqa: BLE001 - fsspec file systems may raise anything
        raise LocationError(problem_of_failure(url, error)) from presentable_cause(error)
    where = redact(url)
    if info.get("type") == "directory":
        raise LocationError(_not_a_file(where))
    size = info.get("size")
    if size is None:
        raise LocationError(_no_size(where, info.get("mimetype")))
    etag = next((str(info[key]) for key in _ETAG_KEYS if info.get(key)), None)
    return SourceFile(where, size=int(size), mtime_ns=modified_ns(info), etag=etag)


def _read_options(url: str, system: Any, file: SourceFile) -> dict[str, Any]:  # noqa: ANN401
    """Let the server refuse to serve a changed file, and keep it from compressing ranges."""
    if protocol(url) not in {"http", "https"} or _CHAIN.search(url):
        return {}
    headers = {**system.kwargs.get("headers", {}), "Accept-Encoding": "identity"}
    if file.etag and file.etag.startswith('"'):
        headers["If-Match"] = file.etag
    return {"headers": headers}


def _status(result: object) -> int | None:
    status = getattr(result, "status", None)
    return status if isinstance(status, int) else None


def _no_folder(where: str, name: str) -> Problem:
    return Problem(
        code="location-alone",
        where=where,
        what=f"it refers to {name!r}, but lies in no folder in which that could be",
        hint="download both files into one folder, and open them there",
    )


def _not_a_file(where: str) -> Problem:
    return Problem(
        code="location-not-a-file",
        where=where,
        what="is a folder, not a file",
        hint="open one of the files in it",
    )


def _no_size(where: str, mimetype: str | None) -> Problem:
    kind = f" (it sends {mimetype})" if mimetype else ""
    return Problem(
        code="source-no-size",
        where=where,
        what=f"the server does not tell the size of the file{kind}",
        hint="if it is a login or error page, sign in first; otherwise download the file",
    )


def _missing_package(url: str, error: ImportError) -> Problem:
    return Problem(
        code="location-protocol",
        where=redact(url),
        what=f"reading {protocol(url)}:// needs a package that is not installed ({error})",
        hint='install it: pip install "zarrchive[remote]"',
    )


def _unknown_protocol(url: str) -> Problem:
    return Problem(
        code="location-protocol",
        where=redact(url),
        what=f"{protocol(url)!r} is not a protocol that fsspec knows",
        hint="check the part before '://'; https, s3, gs and abfs are the usual ones",
    )
