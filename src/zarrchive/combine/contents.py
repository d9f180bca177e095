"""The variables of many files side by side: what a plan is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from zarrchive.bridge._xarray import decoded_times
from zarrchive.bridge.bounds import REFERRING_TO_BOUNDS
from zarrchive.errors import ZarrchiveError
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = ["Contents", "dims_of", "walk_arrays"]


@dataclass(slots=True)
class Contents:
    """What one file holds, by absolute path; coordinate values are read once, when asked for."""

    url: str
    root: ManifestGroup
    storage_options: Mapping[str, Any] | None = None
    arrays: dict[str, ManifestArray] = field(init=False)
    _values: dict[str, np.ndarray[Any, Any] | None] = field(default_factory=dict)
    _decoded: dict[str, np.ndarray[Any, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arrays = dict(walk_arrays(self.root))
        for path, array in list(self.arrays.items()):
            for key in REFERRING_TO_BOUNDS:
                bounds = f"{self.node(path).rstrip('/')}/{array.attributes.get(key)}"
                if bounds in self.arrays and " since " in str(array.attributes.get("units")):
                    self.arrays[bounds] = _counting_as(array, self.arrays[bounds])

    @property
    def is_hierarchy(self) -> bool:
        """Whether there is more than a root group."""
        return bool(self.root.groups)

    def coordinates(self) -> list[str]:
        """Paths of the dimension coordinates: 1-d variables named as their dimension."""
        return [path for path in self.arrays if self.is_coordinate(path)]

    def is_coordinate(self, path: str) -> bool:
        """Whether `path` is a dimension coordinate here."""
        array = self.arrays.get(path)
        return array is not None and dims_of(array) == (path.rpartition("/")[2],)

    def values(self, path: str) -> np.ndarray[Any, Any] | None:
        """Return the raw values of a variable; None if they cannot be read."""
        if path not in self._values:
            try:
                found = values_of(self.arrays[path], storage_options=self.storage_options)
            except (ZarrchiveError, OSError, ValueError, TypeError, KeyError, RuntimeError):
                self._values[path] = None
            else:
                self._values[path] = np.asarray(found)
        return self._values[path]

    def decoded(self, path: str) -> np.ndarray[Any, Any] | None:
        """Return the values with CF conventions applied: times as times."""
        if path not in self._decoded:
            self._decoded[path] = self._as_times(path)
        return self._decoded[path]

    def _as_times(self, path: str) -> np.ndarray[Any, Any] | None:
        raw = self.values(path)
        if raw is None:
            return None
        attributes = {k: v for k, v in self.arrays[path].attributes.items() if k in _TIME_KEYS}
        if " since " not in str(attributes.get("units", "")):
            return raw
        try:
            variable = xr.Variable(dims_of(self.arrays[path]), raw, attributes)
            return np.asarray(decoded_times(variable).values)
        except (ValueError, TypeError, OverflowError):
            return raw

    def node(self, path: str) -> str:
        """Path of the group that holds a variable."""
        return path.rpartition("/")[0] or "/"


_TIME_KEYS = frozenset({"units", "calendar"})


def _counting_as(times: ManifestArray, bounds: ManifestArray) -> ManifestArray:
    """Have bounds say what they count in: without units of their own, they do as the times do."""
    if "units" in bounds.attributes:
        return bounds
    meaning = {key: value for key, value in times.attributes.items() if key in _TIME_KEYS}
    attributes = {**bounds.attributes, **meaning}
    metadata = changed_metadata(bounds.metadata, attributes=attributes)
    return bounds.replaced(metadata, bounds.manifest)


def dims_of(array: ManifestArray) -> tuple[str, ...]:
    """Return the names of the dimensions."""
    names = array.metadata.dimension_names
    if names is None:
        return tuple(f"dim_{axis}" for axis in range(len(array.shape)))
    return tuple(str(name) for name in names)


def walk_arrays(root: ManifestGroup) -> Iterator[tuple[str, ManifestArray]]:
    """Iterate over every array below `root` as ``(absolute path, array)``."""
    for path, group in root.walk():
        base = path.rstrip("/")
        for name, array in group.arrays.items():
            yield f"{base}/{name}", array
