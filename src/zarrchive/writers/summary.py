"""What an output says about itself: how many references it must hold, and to which files."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from zarrchive.location.identity import SourceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests import ChunkManifest

__all__ = ["summary_of"]


def summary_of(manifests: Sequence[ChunkManifest]) -> dict[str, Any]:
    """Return counts and the identity of every source file, as JSON values.

    With the counts a lost reference can be noticed, with the identities a source that has changed
    since the references were made; neither format has a place of its own for them.
    """
    files = sorted({file for m in manifests for file in m.files}, key=SourceFile.sort_key)
    return {
        "version": version("zarrchive"),
        "arrays": len(manifests),
        "references": sum(manifest.nrefs for manifest in manifests),
        "inlined": sum(manifest.ninlined for manifest in manifests),
        "sources": [
            {"url": file.url, "size": file.size, "mtime_ns": file.mtime_ns, "etag": file.etag}
            for file in files
        ],
    }
