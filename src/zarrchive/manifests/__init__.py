"""Virtual Zarr data: immutable values that say where bytes lie."""

from zarrchive.manifests.chunk_manifest import (
    ChunkEntry,
    ChunkIndex,
    ChunkManifest,
    InlineChunk,
    StoredChunks,
)
from zarrchive.manifests.hierarchy import ManifestGroup
from zarrchive.manifests.manifest_array import ManifestArray

__all__ = [
    "ChunkEntry",
    "ChunkIndex",
    "ChunkManifest",
    "InlineChunk",
    "ManifestArray",
    "ManifestGroup",
    "StoredChunks",
]
