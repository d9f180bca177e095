"""Whether fsspec's reference file system reaches a source file under the URL that it has.

It splits a URL at ``://`` and hands everything to the file system of that protocol; the rest of
a plain absolute path is used as it is, so that no character of it needs escaping.
"""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from zarrchive.errors import Problem
from zarrchive.location.redact import redact
from zarrchive.location.url import is_local

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.location.identity import SourceFile

__all__ = ["problems_of_files"]


def problems_of_files(files: Iterable[SourceFile], *, variable: str) -> list[Problem]:
    """List the files to which no reference can be written."""
    problems = []
    for file in files:
        code, what, hint = _refusal(file.url)
        if code:
            where = redact(file.url)
            problems.append(
                Problem(code=code, where=where, what=what, hint=hint, variable=variable)
            )
    return problems


def _refusal(url: str) -> tuple[str, str, str]:
    """Return code, what and hint; an empty code where the URL is fine."""
    if redact(url) != url:
        return (
            "url-credentials",
            "the URL holds credentials, which are never written to an output",
            "rename the paths to URLs without them, and give them as storage options to readers",
        )
    if not is_local(url):
        if "::" in url and not url.startswith(("http://", "https://")):
            return (
                "url-chained",
                "references cannot point into an archive: readers do not follow chained URLs",
                "extract the file, and rename the paths to where it then lies",
            )
        return ("", "", "")
    if not (PurePosixPath(url).is_absolute() or PureWindowsPath(url).is_absolute()):
        return (
            "url-relative",
            f"the path {url!r} is relative, so readers would look for it in their own folder",
            "rename the paths to absolute ones",
        )
    if "://" in url:
        return (
            "url-ambiguous",
            f"the path {url!r} holds '://', which readers take for the end of a protocol",
            "rename the paths to a spelling without repeated slashes",
        )
    return ("", "", "")
