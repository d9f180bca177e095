"""Coordinate values for a new dimension: what distinguishes files that have no coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.combine.times_in_names import times_in_names
from zarrchive.location import name as name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.manifests import ManifestGroup

__all__ = ["Labels", "labels_of"]

_TIME_ATTRIBUTES: Final = (
    # ODIM (OPERA data information model for HDF5, section 4.2): nominal time of the product.
    ("/what", ("date", "time")),
    # Attribute Convention for Data Discovery 1.3.
    ("/", ("time_coverage_start",)),
)


class Labels(NamedTuple):
    """The coordinate of a new dimension."""

    values: tuple[str, ...]
    """One for each file, all distinct."""
    are_times: bool
    """Whether they are ISO 8601 times."""
    source: str
    """Where they come from, in words."""


def labels_of(files: Sequence[Contents]) -> Labels:
    """Return what tells files apart.

    Times come from attributes that conventions define for this, else from file names. Where
    there are none, or they are not distinct, file names are the labels, made distinct by the
    folder if need be.
    """
    for path, names in _TIME_ATTRIBUTES:
        times = [_time(contents.root, path, names) for contents in files]
        found = [time for time in times if time is not None]
        if len(found) == len(files) == len(set(found)):
            return Labels(tuple(found), are_times=True, source="the times in their attributes")
    labels = [name_of(contents.url) for contents in files]
    dated = times_in_names(labels) if len(labels) > 1 else None
    if dated is not None:
        return Labels(dated, are_times=True, source="the times in their names")
    if len(set(labels)) < len(labels):
        labels = [contents.url for contents in files]
    return Labels(tuple(labels), are_times=False, source="file names")


def _time(root: ManifestGroup, path: str, names: tuple[str, ...]) -> str | None:
    group: ManifestGroup | None = root
    for part in path.strip("/").split("/"):
        if part and group is not None:
            group = group.groups.get(part)
    if group is None or any(name not in group.attributes for name in names):
        return None
    text = "T".join(_text(group.attributes[name]) for name in names).rstrip("Z")
    if len(text) == len("20200131T235959") and text.replace("T", "").isdecimal():
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:]}"
    try:
        return str(np.datetime64(text, "ns"))
    except ValueError:
        return None


def _text(value: Any) -> str:  # noqa: ANN401 - an attribute
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").rstrip("\0").strip()
    return str(value).strip()
