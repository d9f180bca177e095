"""Virtual Zarr data: immutable values that say where bytes lie."""

from zarrchive.manifests.chunk_manifest import (
    ChunkEntry,
    ChunkIndex,
    ChunkManifest,
    InlineChunk,
    StoredChunks,
)
from zarrchive.manifests.concat import problems_of_concat, problems_of_stack
from zarrchive.manifests.hierarchy import ManifestGroup
from zarrchive.manifests.manifest_array import ManifestArray
from zarrchive.manifests.store import ManifestStore

__all__ = [
    "ChunkEntry",
    "ChunkIndex",
    "ChunkManifest",
    "InlineChunk",
    "ManifestArray",
    "ManifestGroup",
    "ManifestStore",
    "StoredChunks",
    "problems_of_concat",
    "problems_of_stack",
]
