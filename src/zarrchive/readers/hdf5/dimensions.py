"""Dimension names: from HDF5 dimension scales as netCDF4 uses them, or made up.

Follows the HDF5 Dimension Scale Specification and the netCDF-4 format specification
(dimensions without a variable, multi-dimensional coordinates, unlimited dimensions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.attribute_values import Attributes
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["Axes", "GroupDimensions", "Scale", "Scales", "is_pure_dimension"]

_PURE: Final = "This is a netCDF dimension but not a netCDF variable"


@dataclass(slots=True)
class Scale:
    """One dimension scale."""

    name: str
    path: str
    size: int
    """Length of the dimension; of an unlimited one, that of the longest variable along it."""
    is_unlimited: bool


@dataclass(frozen=True, slots=True)
class Axes:
    """What the dimensions of one variable are attached to."""

    scales: tuple[int | None, ...]
    """Address of the scale of each dimension."""
    dimids: tuple[int, ...] | None = None
    """Instead: netCDF's numbers of the dimensions, for coordinates of several dimensions."""
    reasons: tuple[Reason, ...] = ()


@dataclass(slots=True)
class Scales:
    """All dimension scales of a file that were seen, by the address of their object header."""

    by_address: dict[int, Scale] = field(default_factory=dict)
    by_dimid: dict[int, int] = field(default_factory=dict)

    def add(self, facts: Facts, attributes: Attributes, path: str) -> None:
        """Take note of a dataset that is a dimension scale, the first time that it is seen."""
        if facts.address in self.by_address:
            return
        shape, limits = facts.shape or (), facts.max_shape
        self.by_address[facts.address] = Scale(
            path.rpartition("/")[2],
            path,
            shape[0] if shape else 0,
            is_unlimited=bool(limits) and limits[0] is None,
        )
        dimid = attributes.internal.get("_Netcdf4Dimid")
        if dimid is not None and np.ndim(dimid) == 0:
            self.by_dimid.setdefault(int(dimid), facts.address)

    def axes_of(self, facts: Facts, attributes: Attributes) -> Axes:
        """Return what the dimensions of a variable are attached to."""
        rank = len(facts.shape or ())
        if attributes.is_scale and rank:
            dimids = attributes.internal.get("_Netcdf4Coordinates")
            if rank > 1 and dimids is not None and np.size(dimids) == rank:
                return Axes((None,) * rank, tuple(int(n) for n in np.ravel(dimids)))
            return Axes((facts.address, *(None,) * (rank - 1)))
        lists = attributes.internal.get("DIMENSION_LIST")
        if not rank or lists is None:
            return Axes((None,) * rank)
        if not isinstance(lists, tuple) or len(lists) != rank:
            what = f"its list of dimensions is damaged: it has {rank}"
            return Axes((None,) * rank, reasons=(_odd("hdf5-dimension-list", what),))
        reasons = [
            _odd(
                "hdf5-several-scales",
                f"dimension {axis} has {len(addresses)} scales; the first gives its name",
                "assign the other scales as coordinates where they are needed",
            )
            for axis, addresses in enumerate(lists)
            if len(addresses) > 1
        ]
        first = tuple(one[0] if one and one[0] >= 0 else None for one in lists)
        return Axes(first, reasons=tuple(reasons))

    def resolve(self, axes: Axes) -> tuple[Scale | None, ...]:
        """Return the scale of each dimension, once all were seen."""
        addresses: Iterable[int | None] = axes.scales
        if axes.dimids is not None:
            addresses = [self.by_dimid.get(dimid) for dimid in axes.dimids]
        return tuple(None if a is None else self.by_address.get(a) for a in addresses)


def is_pure_dimension(attributes: Attributes) -> bool:
    """Say whether a dataset is a netCDF dimension only, which holds no values."""
    name = attributes.internal.get("NAME")
    return attributes.is_scale and isinstance(name, str) and name.startswith(_PURE)


@dataclass(slots=True)
class GroupDimensions:
    """The dimension names of one group: a name has one size, and unnamed sizes get names."""

    taken: frozenset[str]
    """Names of the variables of the group, which made-up names must not be."""
    _sizes: dict[str, tuple[int, str]] = field(default_factory=dict)
    _phony: dict[tuple[int, int], str] = field(default_factory=dict)

    def name(
        self, scales: tuple[Scale | None, ...], shape: tuple[int, ...]
    ) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
        """Return one name for each dimension of a variable of `shape`."""
        names: list[str] = []
        reasons: list[Reason] = []
        unnamed: dict[int, int] = {}
        for axis, size in enumerate(shape):
            scale = scales[axis] if axis < len(scales) else None
            if scale is not None and scale.size != size:
                reasons.append(
                    _odd(
                        "hdf5-scale-length",
                        f"dimension {axis} has length {size}, its scale {scale.path} {scale.size}",
                        "check which of them is right; the dimension got a name of its own",
                    )
                )
                scale = None
            if scale is not None:
                name, reason = self._named(scale)
                names.append(name)
                reasons.extend([] if reason is None else [reason])
                continue
            unnamed[size] = unnamed.get(size, 0) + 1
            names.append(self._made_up(size, unnamed[size]))
        return tuple(names), tuple(reasons)

    def _named(self, scale: Scale) -> tuple[str, Reason | None]:
        name = scale.name
        size, path = self._sizes.setdefault(name, (scale.size, scale.path))
        if size == scale.size:
            return name, None
        number = 1
        while True:
            other = f"{name}_{number}"
            if self._sizes.setdefault(other, (scale.size, scale.path)) == (scale.size, scale.path):
                break
            number += 1
        reason = _odd(
            "hdf5-dimension-clash",
            f"dimension {name!r} has length {size} ({path}) and {scale.size} ({scale.path}) in "
            f"one group; the second is called {other!r}",
            "use the new name in selections",
        )
        return other, reason

    def _made_up(self, size: int, occurrence: int) -> str:
        key = (size, occurrence)
        if key not in self._phony:
            number = len(self._phony)
            used = {*self.taken, *self._sizes, *self._phony.values()}
            while (name := f"phony_dim_{number}") in used:
                number += 1
            self._phony[key] = name
        return self._phony[key]


def _odd(code: str, what: str, hint: str = "") -> Reason:
    hint = hint or "its dimensions got made-up names; rename them after opening"
    return Reason(code=code, what=what, hint=hint, severity="warning")
