"""Where the references of a repository lead to, and whether they may."""

from __future__ import annotations

import os
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from zarrchive.errors import Problem, WriteError
from zarrchive.location.redact import redact
from zarrchive.location.url import is_local
from zarrchive.manifests._zarr import document_at, is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.manifests import ChunkManifest
    from zarrchive.writers.plan import ReferencePlan

__all__ = [
    "container_of",
    "groups_above",
    "key_of",
    "location_of",
    "prefixes_of",
    "problems_of_places",
]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+").fullmatch
_KINDS: Final = {"array": "an array", "group": "a group"}
_SAFE: Final = "/!$&'()*+,;=:@~"
"""What a path may hold as it is."""


def location_of(url: str) -> str:
    """Return a path or URL as Icechunk wants it: a URL, with characters escaped that mean more."""
    if is_local(url):
        return "file://" + quote(url, safe=_SAFE)
    scheme, _, rest = url.partition("://")
    if scheme in {"http", "https"}:  # is one, and escaped
        return url
    return f"{scheme}://{quote(rest, safe=_SAFE)}"


def prefixes_of(manifests: Iterable[ChunkManifest]) -> list[str]:
    """Return the addresses of the containers that a new repository needs for its references.

    Raises `WriteError` for places that no container can have, or of which more must be known.
    """
    urls = {file.url for manifest in manifests for file in manifest.files}
    prefixes, problems = [], []
    folders = {os.path.dirname(url) for url in urls if is_local(url)}  # noqa: PTH120 - strings
    for _, below in groupby(sorted(folders, key=_first_part), key=_first_part):
        here = os.path.commonpath(below)
        folder = _plain_part(here)
        if folder == "/":
            problems.append(_odd_root(here))
        else:
            prefixes.append(f"file://{folder}")
    for root in sorted({_root(url) for url in urls if not is_local(url)}):
        if root.startswith(("http://", "https://")):
            prefixes.append(root)
        else:
            problems.append(_unknown_place(root))
    if problems:
        raise WriteError(*problems)
    return prefixes


def container_of(prefix: str, icechunk: Any) -> Any:  # noqa: ANN401 - of a package that need not be installed
    """Return the container with an address that `prefixes_of` returned."""
    if prefix.startswith("file://"):
        store = icechunk.local_filesystem_store(prefix.removeprefix("file://"))
    else:
        is_plain = prefix.startswith("http://")
        store = icechunk.http_store({"allow_http": "true"} if is_plain else {})
    return icechunk.VirtualChunkContainer(prefix, store)


def problems_of_places(
    plan: ReferencePlan,
    store: Any,  # noqa: ANN401 - an IcechunkStore
    path: str,
    where: str,
) -> list[Problem]:
    """List what speaks against writing into a session: places of references, and what is there."""
    if store.read_only:
        return [
            Problem(
                code="icechunk-read-only",
                where=where,
                what="the session of the store is for reading only",
                hint='give repository.writable_session("main").store',
            )
        ]
    containers = (store.session.config.virtual_chunk_containers or {}).values()
    prefixes = tuple([container.url_prefix for container in containers])
    urls = sorted({file.url for manifest in plan.manifests for file in manifest.files})
    outside = [url for url in urls if not location_of(url).startswith(prefixes)]
    problems = [_outside(url, prefixes) for url in outside[:1]]
    return [*problems, *_taken(plan, store, path, where)]


def groups_above(path: str) -> list[str]:
    """Return the paths of the groups that hold `path`, the root first."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:depth]) for depth in range(len(parts))]


def key_of(path: str, name: str = "zarr.json") -> str:
    """Return the key of a document of a node."""
    return f"{path}/{name}" if path else name


def _taken(
    plan: ReferencePlan,
    store: Any,  # noqa: ANN401 - an IcechunkStore
    path: str,
    where: str,
) -> list[Problem]:
    """List what would be written over, or cannot be written below."""
    problems = []
    for here in groups_above(path):
        found = document_at(store, key_of(here))
        if found is not None and found.get("node_type") != "group":
            problems.append(_exists(here, "an array, which holds no groups", where))
    if is_empty(store, path):
        return problems
    for node in plan.nodes:
        here = "/".join(part for part in (path, node.path) if part)
        found = document_at(store, key_of(here))
        if found is None:
            continue
        ours = node.documents.get("zarr.json", {})
        if node.manifest is not None or found.get("node_type") != "group":
            problems.append(
                _exists(
                    here,
                    f"{_KINDS.get(str(found.get('node_type')), 'something')} of this name",
                    where,
                )
            )
        elif found.get("attributes") and found["attributes"] != ours.get("attributes"):
            problems.append(_exists(here, "a group with attributes of its own here", where))
    return problems


def _exists(path: str, what: str, where: str) -> Problem:
    return Problem(
        code="icechunk-exists",
        where=where,
        variable=f"/{path}",
        what=f"the repository has {what}",
        hint="choose another group, or delete it in the session first",
    )


def _outside(url: str, prefixes: tuple[str, ...]) -> Problem:
    known = ", ".join(prefixes) or "none"
    root = os.path.dirname(location_of(url)) + "/"  # noqa: PTH120 - a URL
    return Problem(
        code="icechunk-container",
        where=redact(url),
        what=f"no container of the repository holds it (there are: {known}), so that nobody "
        "could read the references",
        hint="before opening the session, add one: config.set_virtual_chunk_container("
        f"icechunk.VirtualChunkContainer({redact(root)!r}, ...)), and save the config",
    )


def _unknown_place(root: str) -> Problem:
    return Problem(
        code="icechunk-container",
        where=redact(root),
        what="references lead there, and a new repository would have to know more of it: its "
        "region, say, or whether it is public",
        hint="make a repository with a container for it, and give its session to to_icechunk",
    )


def _odd_root(path: str) -> Problem:
    return Problem(
        code="icechunk-container",
        where=path,
        what="its first folder has characters that must be escaped in a URL, and Icechunk reads "
        "nothing from such places",
        hint="move the files, or make a link to them, and rename the paths",
    )


def _first_part(folder: str) -> str:
    return folder.strip("/").partition("/")[0]


def _plain_part(folder: str) -> str:
    """Return the folder, or the nearest above it, that a container can have.

    Icechunk 2.3 finds nothing in containers whose address has characters to be escaped.
    """
    parts = folder.strip("/").split("/")
    n_plain = next((n for n, part in enumerate(parts) if not _PLAIN(part)), len(parts))
    return "/".join(["", *parts[:n_plain], ""])


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
