"""netCDF classic files for tests: strategies that write them, and the netCDF library as judge."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import netCDF4
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from zarrchive.manifests import ManifestGroup

__all__ = ["FORMATS", "Recipe", "VariableRecipe", "judged", "recipes", "told"]

Form: TypeAlias = Literal["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]
FORMATS: Final[tuple[Form, ...]] = get_args(Form)
_TYPES: Final = ("i1", "S1", "i2", "i4", "f4", "f8")
_WIDE_TYPES: Final = (*_TYPES, "u1", "u2", "u4", "i8", "u8")
_LARGEST: Final = 2**24
"""Bytes of a variable that the judge still reads."""
_SECONDS: Final = 1
"""That the judge may take for one file; the process ends after it."""


@dataclass(frozen=True, kw_only=True)
class VariableRecipe:
    """One variable."""

    name: str
    dimensions: tuple[str, ...]
    values: np.ndarray[Any, Any]
    attributes: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All choices behind one file; `write` follows them."""

    format: Form
    lengths: dict[str, int | None]
    """By dimension; None: that of records."""
    variables: tuple[VariableRecipe, ...]
    attributes: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write the file with the netCDF library."""
        with netCDF4.Dataset(path, "w", format=self.format) as file:
            file.setncatts(self.attributes)
            for name, length in self.lengths.items():
                file.createDimension(name, length)
            for recipe in self.variables:
                made = file.createVariable(recipe.name, recipe.values.dtype, recipe.dimensions)
                made.set_auto_maskandscale(False)
                made.set_auto_chartostring(False)
                made.setncatts(recipe.attributes)
            for recipe in self.variables:
                # A variable in records may be written less far than others: it has fill values.
                region = tuple(map(slice, recipe.values.shape))
                if recipe.values.size:
                    file[recipe.name][region or ...] = recipe.values


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Draw files with variables of all types, in records and not, with attributes."""
    form = draw(st.sampled_from(FORMATS))
    types = _WIDE_TYPES if form == FORMATS[-1] else _TYPES
    lengths: dict[str, int | None] = {f"d{n}": draw(st.integers(1, 5)) for n in range(3)}
    if draw(st.booleans()):
        lengths = {"time": None, **lengths}
    names = draw(st.lists(_names(), max_size=5, unique=True))
    return Recipe(
        format=form,
        lengths=lengths,
        variables=tuple(draw(_variables(name, lengths, types)) for name in names),
        attributes=draw(_attributes(types)),
    )


def _names() -> st.SearchStrategy[str]:
    return st.sampled_from(["time", "d0", "v", "w x", "größe", "v.1", "x+y", "a_b", "T2m"])


@st.composite
def _variables(
    draw: st.DrawFn, name: str, lengths: dict[str, int | None], types: tuple[str, ...]
) -> VariableRecipe:
    dtype = np.dtype(draw(st.sampled_from(types)))
    fixed = [one for one, length in lengths.items() if length is not None]
    dimensions = draw(st.lists(st.sampled_from(fixed), max_size=3, unique=True))
    if "time" in lengths and draw(st.booleans()):
        dimensions = ["time", *dimensions]
    n_records = draw(st.integers(0, 4))
    shape = tuple(lengths[one] or n_records for one in dimensions)
    attributes = draw(_attributes(types))
    if draw(st.booleans()):
        attributes["_FillValue"] = draw(arrays(dtype, ()))[()] if dtype.kind != "S" else "x"
    return VariableRecipe(
        name=name,
        dimensions=tuple(dimensions),
        values=draw(arrays(dtype, shape)),
        attributes=attributes,
    )


@st.composite
def _attributes(draw: st.DrawFn, types: tuple[str, ...]) -> dict[str, Any]:
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
    numeric = [np.dtype(one) for one in types if one != "S1"]
    numbers = st.sampled_from(numeric).flatmap(lambda dtype: arrays(dtype, st.integers(1, 3)))
    names = st.sampled_from(["units", "long_name", "valid_range", "scale_factor", "Größe"])
    return draw(st.dictionaries(names, texts | numbers, max_size=3))


def judged(paths: Iterable[Path]) -> dict[str, dict[str, list[Any]] | None]:
    """Return what the netCDF library tells of files, by path; None where it refuses.

    It runs in a process of its own, as damage may end it, or keep it busy: such files are left
    out. Of each variable: dimensions, shape, type, and a digest of the bytes of its values, None
    where they are too many.
    """
    names = [str(path) for path in paths]
    found: dict[str, Any] = {}
    while names:
        done = subprocess.run(  # noqa: S603 - this very file
            [sys.executable, __file__, *names], capture_output=True, check=False
        )
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.endswith(b"]")]
        found |= dict(answers)
        names = names[len(answers) + 1 :]
    return found


def told(group: ManifestGroup, values: dict[str, bytes]) -> dict[str, list[Any]]:
    """Return the same of the variables that a reader found, whose values are given."""
    return {
        name: [
            list(array.metadata.dimension_names or ()),
            list(array.shape),
            array.dtype.newbyteorder("=").str,
            sha256(values[name]).hexdigest() if name in values else None,
        ]
        for name, array in group.arrays.items()
    }


def _told_by_library(path: str) -> dict[str, list[Any]] | None:
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            file.set_auto_chartostring(False)
            found: dict[str, list[Any]] = {}
            for name, variable in file.variables.items():
                digest = None
                if variable.size * variable.dtype.itemsize <= _LARGEST:
                    values = np.asarray(variable[...])
                    values = values.astype(variable.dtype.newbyteorder("="))
                    digest = sha256(values.tobytes()).hexdigest()
                shape = [int(size) for size in variable.shape]
                dtype = variable.dtype.newbyteorder("=").str
                found[name] = [list(variable.dimensions), shape, dtype, digest]
            return found
    except Exception:  # noqa: BLE001 - it raises what it likes
        return None


if __name__ == "__main__":
    for one in sys.argv[1:]:
        signal.alarm(_SECONDS)
        print(json.dumps([one, _told_by_library(one)]), flush=True)  # noqa: T201 - for the parent
