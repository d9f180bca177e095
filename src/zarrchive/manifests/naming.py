"""How virtual arrays, their axes, files and codecs are called in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["axis_name", "codec_label", "files_of", "hint_to_load", "hint_to_open", "shortened"]

_LONGEST = 60


def files_of(array: ManifestArray) -> str:
    """Name the file of an array: the first one, and how many more there are."""
    files = array.manifest.files
    if not files:
        return f"virtual array {array.name}".rstrip()
    return files[0].url if len(files) == 1 else f"{files[0].url} and {len(files) - 1} more"


def axis_name(array: ManifestArray, axis: int) -> str:
    """Name an axis by its dimension, or by its number where it has no name."""
    names = array.metadata.dimension_names
    name = names[axis] if names is not None else None
    return f"axis {axis}" if name is None else name


def hint_to_load(array: ManifestArray) -> str:
    """Tell how to have values of the variable instead of references to them."""
    name = array.name.rpartition("/")[2]
    what = f"loadable_variables=[{name!r}]" if name else "loadable_variables=[its name]"
    return f"open the files with {what}, or leave out the file that differs"


def hint_to_open(array: ManifestArray) -> str:
    """Tell how to get at the values of a virtual array."""
    name = array.name.rpartition("/")[2]
    what = f"[{name!r}]" if name else "[its name]"
    return (
        "use ds.virtual.open(), which gives a lazy dataset of the same data, or open the file "
        f"with loadable_variables={what}"
    )


def codec_label(document: Mapping[str, Any]) -> str:
    """Write a codec document shortly: ``zlib(level=4)``."""
    name = str(document["name"]).removeprefix("numcodecs.")
    configuration = document.get("configuration") or {}
    settings = ", ".join(f"{key}={_plain(value)}" for key, value in configuration.items())
    return f"{name}({settings})" if settings else name


def _plain(value: object) -> str:
    return shortened(str(getattr(value, "value", value)))


def shortened(text: str) -> str:
    """Cut a text that is too long for a message."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
