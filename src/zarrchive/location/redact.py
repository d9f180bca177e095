"""Remove credentials from URLs before anybody sees them: user info and signed query parts."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from zarrchive.location.url import is_local, protocol

__all__ = ["causes_of", "presentable_cause", "redact", "redact_text"]

_NO_AUTHORITY: Final = frozenset({"file", "local", "memory", "zip", "tar"})
_CONTAINER_BEFORE_AT: Final = frozenset({"abfs", "abfss", "adl", "az", "wasb", "wasbs"})
"""Azure writes ``abfs://container@account/path``: no user info, unless there is a colon."""

_SECRET_NAMES: Final = frozenset(
    {
        "auth",
        "authorization",
        "awsaccesskeyid",
        "bearer",
        "expires",
        "expiry",
        "googleaccessid",
        "jsessionid",
        "jwt",
        "key-pair-id",
        "keypairid",
        "login",
        "ossaccesskeyid",
        "pass",
        "policy",
        "pwd",
        "sas",
        "sessionid",
        "sig",
        "signature",
        "username",
    }
)
_SECRET_PARTS: Final = (
    *("token", "secret", "passw", "passphrase", "signature", "credential"),
    *("apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "private_key"),
)
_SECRET_PREFIXES: Final = ("x-amz-", "x-goog-", "x-oss-", "x-ms-", "x-cos-", "q-sign", "q-ak")
_SHARED_ACCESS_SIGNATURE: Final = frozenset(
    {
        "sv",
        "ss",
        "srt",
        "sp",
        "st",
        "se",
        "sr",
        "spr",
        "sip",
        "si",
        "sig",
        "skoid",
        "sktid",
        "skt",
        "ske",
        "sks",
        "skv",
        "saoid",
        "suoid",
        "scid",
        "sdd",
        "ses",
        "rscc",
        "rscd",
        "rsce",
        "rscl",
        "rsct",
    }
)
"""Parameters of Azure's shared access signatures; short names, so secret only beside ``sig``."""

_SECRET_VALUE: Final = re.compile(
    r"eyJ[\w-]{8,}\.|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{30,}|gh[opsu]_\w{20,}|Bearer\b"
)
_BUCKETS: Final = frozenset({"s3", "s3a", "gs", "gcs"})
"""Here a colon may be part of the name (``s3://arn:aws:s3:…``)."""
_LINK: Final = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]+(?:::|://))")
_OPAQUE: Final = re.compile(r"[\w~+-]*")
_URL_IN_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"<>`]+")


def redact(url: str) -> str:
    """Return `url` without user info, signatures and tokens; applying it twice changes nothing.

    Local paths are returned as they are, and so is every other part of a URL: what remains
    still names the object.
    """
    if is_local(url):
        return url
    return "::".join(part if is_local(part) else _redact_one(part) for part in _LINK.split(url))


def redact_text(text: str) -> str:
    """Redact every URL in a text, such as the message of another library's exception."""
    return _URL_IN_TEXT.sub(lambda found: redact(found.group()), text)


def presentable_cause(error: BaseException) -> BaseException | None:
    """Return `error` to chain from, or None if its text would show credentials."""
    texts = [str(one) for one in causes_of(error)]
    return error if all(redact_text(text) == text for text in texts) else None


def causes_of(error: BaseException) -> list[BaseException]:
    """Return `error` and its causes, outermost first."""
    found: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in found:
        found.append(here)
        here = here.__cause__ or here.__context__
    return found


def _redact_one(url: str) -> str:
    scheme = protocol(url)
    if scheme in _NO_AUTHORITY:
        return url
    while (shorter := _without_user(url, scheme)) != url:
        url = shorter
    if scheme in {"http", "https"}:
        url = url.partition("#")[0]
    base, mark, query = url.partition("?")
    if not mark:
        return url
    kept = _without_secrets(query)
    return f"{base}?{kept}" if kept or not query else base


def _without_user(url: str, scheme: str) -> str:
    head, _, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority = rest[:end]
    if "@" not in authority and scheme not in _BUCKETS and _has_broken_port(authority):
        # "user:pa/ss@host": an unescaped slash in the password hides the "@" from the rules.
        end = rest.rfind("@") + 1 or end
        authority = rest[:end]
    user, at, host = authority.rpartition("@")
    if at and scheme in _CONTAINER_BEFORE_AT and ":" not in user:
        return url
    return f"{head}://{host}{rest[end:]}"


def _has_broken_port(authority: str) -> bool:
    if authority.startswith("["):
        return False
    _, colon, port = authority.partition(":")
    return bool(colon) and not port.isdecimal() and bool(port)


def _without_secrets(query: str) -> str:
    """Drop the secret parameters; the others keep their order and spelling."""
    parts = re.split("[&;]", query)
    names = {_name_of(part) for part in parts}
    is_azure = "sig" in names
    kept = [
        part
        for part in parts
        if not _is_secret(part) and not (is_azure and _name_of(part) in _SHARED_ACCESS_SIGNATURE)
    ]
    return query if len(kept) == len(parts) else "&".join(kept)


def _name_of(parameter: str) -> str:
    return unquote(parameter.partition("=")[0]).strip().lower()


def _is_secret(parameter: str) -> bool:
    name = _name_of(parameter)
    value = unquote(parameter.partition("=")[2])
    return (
        name in _SECRET_NAMES
        or name.startswith(_SECRET_PREFIXES)
        or any(part in name for part in _SECRET_PARTS)
        or _SECRET_VALUE.search(value) is not None
        or redact_text(value) != value
        # "key=AIza…" is a credential, "key=dir/file.nc" the name of an object.
        or (name == "key" and _OPAQUE.fullmatch(value) is not None)
    )
