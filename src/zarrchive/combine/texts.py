"""Data types, codecs and values in the words of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zarrchive.manifests import ManifestArray

__all__ = ["codec_texts", "dtype_text", "size_text", "value_text"]


def dtype_text(dtype: np.dtype[Any]) -> str:
    """Return a data type as people say it."""
    if dtype.kind in "OT":
        return "string"
    if dtype.names:
        inner = ", ".join(f"{name}: {dtype_text(dtype[name])}" for name in dtype.names)
        return f"compound ({inner})"
    return f"{dtype.name} (big-endian)" if dtype.byteorder == ">" else dtype.name


def codec_texts(array: ManifestArray) -> list[str]:
    """Return the codecs in the order in which they encode, each with its settings."""
    texts = []
    for codec in array.metadata.codecs:
        document: Any = codec.to_dict()
        settings = document.get("configuration") or {}
        inner = ", ".join(f"{key} {value}" for key, value in settings.items())
        texts.append(f"{document['name']} ({inner})" if inner else str(document["name"]))
    return texts


def value_text(value: object) -> str:
    """Return a value of a coordinate; times only as exact as they are."""
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return str(np.datetime_as_string(value, unit="auto"))
    return str(value)


def size_text(nbytes: int) -> str:
    """Return a number of bytes as people say it."""
    size = float(nbytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
