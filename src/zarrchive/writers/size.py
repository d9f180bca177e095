"""Estimates of the size of an output, from counts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.writers.fill_values import FILL_LIMIT

if TYPE_CHECKING:
    from zarrchive.manifests import ChunkManifest, ManifestArray

__all__ = ["predicted_documents", "predicted_references"]

_DOCUMENT: Final = 400
"""Typical bytes of the metadata of one array, without its attributes."""


def predicted_documents(group: str, name: str, array: ManifestArray) -> int:
    """Estimate the bytes of the metadata documents of one array."""
    attributes = sum(len(key) + len(str(value)) + 12 for key, value in array.attributes.items())
    return _DOCUMENT + 2 * (len(group) + len(name)) + attributes


def predicted_references(group: str, name: str, manifest: ChunkManifest, *, extra: int) -> int:
    """Estimate the bytes of the references of one array as text.

    `extra` counts what stands around path, key, offset and length of each.
    """
    urls = [len(file.url) for file in manifest.files]
    url = sum(urls) / len(urls) if urls else 0.0
    key = len(group.strip("/")) + len(name) + sum(len(str(n)) for n in manifest.grid_shape)
    highest = int(np.max(manifest.offset)) if manifest.offset.size else 0
    number = len(str(highest)) + 5
    mean_inline = sum(map(len, manifest.inlined)) / max(len(manifest.inlined), 1)
    inline = min(manifest.ninlined * mean_inline, FILL_LIMIT)
    return int(manifest.nrefs * (key + url + number + extra) + inline * 4 / 3)
