"""Credentials that came in a URL: kept in this process only, under the URL that has none.

Everything that is shown or written bears the redacted URL. So that a file opened as
``https://host/a.nc?signature=…`` can be read again through its references, the full URL is
remembered here until the process ends; user info also serves its neighbours in the same folder.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

from zarrchive.location.redact import redact
from zarrchive.location.url import is_local, parent, split_archive

__all__ = ["forget_credentials", "recall", "remember"]

_lock: Final = Lock()
_full_urls: Final[dict[str, str]] = {}
_users: Final[dict[str, str]] = {}
"""User info by redacted folder URL."""


def remember(url: str) -> str:
    """Keep the credentials of `url`, if it has any, and return it without them."""
    public = redact(url)
    if public != url:
        with _lock:
            _full_urls[public] = url
            if user := _user_of(url):
                _users[parent(public) or public] = user
                _users[public.rstrip("/")] = user
    return public


def recall(url: str) -> str:
    """Return `url` with the credentials under which it, or its folder, was opened before."""
    if is_local(url) or split_archive(url):
        return url
    with _lock:
        if url in _full_urls:
            return _full_urls[url]
        if not _users or redact(url) != url:
            return url
        folder = parent(url)
        while folder is not None:
            user = _users.get(folder) or _users.get(folder.rstrip("/"))
            if user:
                scheme, _, rest = url.partition("://")
                return f"{scheme}://{user}@{rest}"
            folder = parent(folder)
        return url


def forget_credentials() -> None:
    """Drop everything that was remembered."""
    with _lock:
        _full_urls.clear()
        _users.clear()


def _user_of(url: str) -> str:
    authority = url.partition("://")[2].partition("/")[0]
    return authority.rpartition("@")[0]
