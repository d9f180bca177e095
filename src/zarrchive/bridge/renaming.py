"""References to other locations of the same files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.errors import ManifestError, Problem
from zarrchive.location import SourceFile, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

__all__ = ["Renaming", "renamed_dataset"]


@dataclass(frozen=True, slots=True)
class Renaming:
    """A new location for each file."""

    function: Callable[[str], str]
    done: dict[SourceFile, SourceFile] = field(default_factory=dict)

    @classmethod
    def of(cls, rename: Callable[[str], str] | Mapping[str, str], paths: Sequence[str]) -> Self:
        """Understand prefixes or a function.

        Raises
        ------
        ManifestError
            ``rename-no-match`` if none of `paths` begins with any of the prefixes.
        """
        if callable(rename):
            return cls(rename)
        prefixes = sorted(rename, key=len, reverse=True)
        if paths and not any(path.startswith(tuple(prefixes)) for path in paths):
            raise ManifestError(_no_match(prefixes, paths))

        def replaced(url: str) -> str:
            for prefix in prefixes:
                if url.startswith(prefix):
                    return rename[prefix] + url[len(prefix) :]
            return url

        return cls(replaced)

    def __call__(self, file: SourceFile) -> SourceFile:
        """Return the file at its new location; it has a date and an entity tag of its own there."""
        if file not in self.done:
            url = self.function(file.url)
            same = url == file.url
            self.done[file] = file if same else SourceFile(normalise(url), size=file.size)
        return self.done[file]


def renamed_dataset(dataset: xr.Dataset, renaming: Renaming) -> xr.Dataset:
    """Return `dataset` with every reference renamed; cost: one call for each file."""
    changed = {}
    for name, variable in dataset.variables.items():
        array = virtual_array(variable)
        if array is not None:
            moved = array.replaced(array.metadata, array.manifest.map_files(renaming))
            changed[name] = xr.Variable(
                variable.dims, moved, variable.attrs, variable.encoding, fastpath=True
            )
    coords = {name: changed.pop(name) for name in list(changed) if name in dataset.coords}
    return dataset.assign(changed).assign_coords(coords)


def _no_match(prefixes: Sequence[str], paths: Sequence[str]) -> Problem:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Problem(
        code="rename-no-match",
        where=paths[0],
        what=f"none of the files ({paths[0]}{more}) begins with "
        f"{' or '.join(map(repr, prefixes)) or 'anything that was given'}",
        hint="give the beginning of the paths as ds.virtual.paths() lists them",
    )
