"""What files with the same header have in common, which is made once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zarrchive.readers.limits import WANTED
from zarrchive.readers.netcdf3.arrays import ArrayModel
from zarrchive.readers.netcdf3.attributes import attributes_of, decoded
from zarrchive.readers.node_names import free_name

if TYPE_CHECKING:
    from zarrchive.readers.netcdf3.header import Dimension, Variable, VariableList
    from zarrchive.readers.netcdf3.layout import Extent, Layout

__all__ = ["Choices", "Model", "VariableModel", "model_of"]


class Choices(NamedTuple):
    """What the caller of the reader chose."""

    inline: frozenset[str] | None
    """Names of the variables whose values to hold; None: every dimension coordinate."""
    largest_run: int | None
    """Bytes of the largest chunk of values that follow one another; None: they are not cut."""


@dataclass(frozen=True, slots=True, eq=False)
class VariableModel:
    """A variable but for the file that it is of."""

    name: str
    extent: Extent
    is_held: bool
    """Whether its array holds its values."""
    array: ArrayModel | None
    """None: Zarr cannot describe it."""
    refusal: str = ""
    """Why Zarr cannot."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The variables of files whose headers say the same of them."""

    variables: tuple[VariableModel, ...]
    warnings: tuple[tuple[str, str], ...]
    """Path of a variable, or nothing, and what is odd about it."""


@lru_cache(maxsize=16)
def model_of(
    dimensions: tuple[Dimension, ...],
    variables: VariableList,
    layout: Layout,
    n_records: int,
    choices: Choices,
) -> Model:
    """Make what all files with these variables and so many records have in common."""
    return _Maker(choices).model(dimensions, variables, layout.extents(n_records))


@dataclass(slots=True)
class _Maker:
    choices: Choices
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def model(
        self,
        dimensions: tuple[Dimension, ...],
        variables: VariableList,
        extents: tuple[Extent, ...],
    ) -> Model:
        axes = self._names([one.name for one in dimensions], "dimension")
        names = self._names([one.name for one in variables.items], "variable")
        models = [
            self._variable(name, variable, extent, [axes[place] for place in variable.dimensions])
            for name, variable, extent in zip(names, variables.items, extents, strict=True)
        ]
        return Model(tuple(models), tuple(self.warnings))

    def _variable(
        self, name: str, variable: Variable, extent: Extent, dimensions: list[str]
    ) -> VariableModel:
        inline = self.choices.inline
        is_held = dimensions == [name] if inline is None else name in inline
        is_held = is_held and extent.count * extent.nbytes <= WANTED
        path = f"/{name}"
        attributes = attributes_of(
            variable.attributes, lambda what: self.warnings.append((path, what))
        )
        try:
            array = ArrayModel.of(
                name,
                variable.dtype,
                extent,
                dimensions=dimensions,
                attributes=attributes,
                is_held=is_held,
                largest_run=self.choices.largest_run,
            )
        except (ValueError, TypeError, KeyError) as error:
            what = f"Zarr cannot describe it: {' '.join(str(error).split())}"
            return VariableModel(name, extent, is_held, None, what)
        return VariableModel(name, extent, is_held, array)

    def _names(self, raw: list[bytes], kind: str) -> list[str]:
        """Return the names of dimensions or variables, no two of which are the same."""
        names: list[str] = []
        taken: set[str] = set()
        for one in raw:
            wanted = decoded(
                one, f"the name of a {kind}", lambda what: self.warnings.append(("", what))
            )
            name = free_name(wanted, taken) if kind == "variable" else wanted
            while name in taken:
                name += "_"
            if name != wanted:
                what = f"the name {wanted!r} is reserved in Zarr, or is that of another {kind}"
                path = f"/{name}" if kind == "variable" else ""
                self.warnings.append((path, f"{what}; this one is called {name!r}"))
            names.append(name)
            taken.add(name)
        return names
