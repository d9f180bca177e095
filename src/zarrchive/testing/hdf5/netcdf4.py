"""NetCDF4 files as values that can be written, by netCDF-C itself, and drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import netCDF4
import numpy as np
from hypothesis import strategies as st

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["NETCDF_SAMPLE", "NetCDFGroup", "NetCDFRecipe", "NetCDFVariable", "netcdf_recipes"]

_Open: TypeAlias = netCDF4.Dataset | netCDF4.Group

_DTYPES: Final = ("i1", "i2", "i4", "f4", "f8", "S1")
_NEW_DTYPES: Final = ("u1", "u2", "u4", "i8", "u8", "str")
_WORDS: Final = np.array(["", "K", "größe", "two words", "x" * 80], dtype=object)
_ATTRIBUTES: Final[tuple[tuple[str, Any], ...]] = (
    ("units", "m s-1"),
    ("long_name", "Wärme"),
    ("valid_range", np.array([-5, 5], "i2")),
    ("scale_factor", np.float32(0.5)),
    ("history", "x" * 5000),
    ("level", 3),
)


@dataclass(frozen=True, kw_only=True)
class NetCDFVariable:
    """One variable."""

    dtype: str
    dims: tuple[str, ...]
    is_compressed: bool = False
    is_contiguous: bool = False
    has_fill: bool = False
    attributes: tuple[int, ...] = ()
    """Which of some attributes it has."""
    n_written: int = 3
    """How far it is written along its first dimension."""
    seed: int = 0

    def write(self, group: _Open, name: str) -> None:
        """Add it to an open group."""
        is_text = self.dtype == "str"
        is_contiguous = self.is_contiguous and self._can_be_contiguous(group)
        shape = tuple(_length(group, dim) for dim in self.dims)
        made = group.createVariable(
            name,
            str if is_text else self.dtype,
            self.dims,
            zlib=self.is_compressed and not is_text and bool(self.dims),
            contiguous=is_contiguous,
            chunksizes=None if is_contiguous else [1 + n // 2 for n in shape],
            fill_value=7 if self.has_fill and self.dtype[0] in "iuf" else None,
        )
        made.set_auto_maskandscale(False)
        named = dict(_ATTRIBUTES[number] for number in self.attributes)
        if self.dtype in {"S1", "str"}:
            named.pop("scale_factor", None)  # xarray would scale letters
        made.setncatts(named)
        written = (min(self.n_written, shape[0]), *shape[1:]) if shape else ()
        if 0 not in written:
            made[tuple(slice(n) for n in written) or ...] = self._values(written)

    def _can_be_contiguous(self, group: _Open) -> bool:
        dims = [_dimension(group, dim) for dim in self.dims]
        return bool(dims) and not (self.is_compressed or any(dim.isunlimited() for dim in dims))

    def _values(self, shape: tuple[int, ...]) -> Any:
        random = np.random.default_rng(self.seed)
        if self.dtype == "str":
            return _WORDS[random.integers(0, len(_WORDS), shape)] if shape else "größe"
        if self.dtype == "S1":
            return random.integers(65, 91, (*shape, 1)).astype("u1").view("S1")[..., 0]
        return random.integers(0, 100, shape).astype(self.dtype)


@dataclass(frozen=True, kw_only=True)
class NetCDFGroup:
    """A group with its dimensions, variables and groups."""

    dimensions: tuple[tuple[str, int | None], ...] = ()
    """Names and lengths; None: unlimited."""
    variables: tuple[tuple[str, NetCDFVariable], ...] = ()
    groups: tuple[tuple[str, NetCDFGroup], ...] = ()
    attributes: tuple[int, ...] = ()

    def write(self, group: _Open) -> None:
        """Fill an open group."""
        for name, length in self.dimensions:
            group.createDimension(name, length)
        for name, variable in self.variables:
            variable.write(group, name)
        group.setncatts(dict(_ATTRIBUTES[number] for number in self.attributes))
        for name, below in self.groups:
            below.write(group.createGroup(name))


@dataclass(frozen=True, kw_only=True)
class NetCDFRecipe:
    """A whole file."""

    root: NetCDFGroup = field(default_factory=NetCDFGroup)
    is_classic: bool = False

    def write(self, path: PathLike[str] | str) -> None:
        """Write the file, over an older one."""
        version: Literal["NETCDF4", "NETCDF4_CLASSIC"]
        version = "NETCDF4_CLASSIC" if self.is_classic else "NETCDF4"
        with netCDF4.Dataset(path, "w", format=version) as file:
            self.root.write(file)


_FIELD: Final = NetCDFVariable(dtype="i2", dims=("t", "x"), is_compressed=True, attributes=(0, 3))
NETCDF_SAMPLE: Final = NetCDFRecipe(
    root=NetCDFGroup(
        dimensions=(("t", None), ("x", 4), ("n", 3)),
        variables=(
            ("t", NetCDFVariable(dtype="f8", dims=("t",), attributes=(0,), n_written=5)),
            ("x", NetCDFVariable(dtype="f4", dims=("x",), attributes=(0, 1), n_written=4)),
            ("field", _FIELD),
            ("names", NetCDFVariable(dtype="str", dims=("n",))),
            ("crs", NetCDFVariable(dtype="i4", dims=(), attributes=(5,))),
        ),
        groups=(("below", NetCDFGroup(variables=(("field", _FIELD),), dimensions=(("x", 2),))),),
        attributes=(1, 4),
    )
)
"""A small file with everything that is particular to netCDF4."""


def _dimension(group: _Open | None, name: str) -> netCDF4.Dimension:
    while group is not None:
        if name in group.dimensions:
            return group.dimensions[name]
        group = group.parent
    raise KeyError(name)


def _length(group: _Open, name: str) -> int:
    dimension = _dimension(group, name)
    return 5 if dimension.isunlimited() else len(dimension)


@st.composite
def netcdf_recipes(draw: st.DrawFn) -> NetCDFRecipe:
    """Files with dimensions of both kinds, with and without coordinates, and groups."""
    is_classic = draw(st.booleans())
    return NetCDFRecipe(
        root=draw(_groups(is_classic=is_classic, depth=0 if is_classic else 2)),
        is_classic=is_classic,
    )


@st.composite
def _groups(
    draw: st.DrawFn, *, is_classic: bool, above: tuple[str, ...] = (), depth: int = 0
) -> NetCDFGroup:
    lengths = st.integers(1, 6) if is_classic else st.none() | st.integers(1, 6)
    names = draw(st.sets(st.sampled_from(("t", "x", "y", "n")), max_size=3))
    dimensions = tuple((name, draw(lengths)) for name in sorted(names))
    dims = tuple(sorted(names | set(above)))
    count = draw(st.integers(0, 4))
    variables = {}
    for number in range(count):
        is_coordinate = bool(dimensions) and draw(st.booleans())
        chosen: tuple[str, ...] = tuple(draw(st.permutations(dims)))[: draw(st.integers(0, 3))]
        name = f"v{number}"
        if is_coordinate:
            name = draw(st.sampled_from([n for n, _ in dimensions]))
            chosen = draw(st.sampled_from([(name,), (name,), chosen]))
        variables[name] = draw(_variables(chosen, is_classic=is_classic))
    groups = []
    if depth and draw(st.booleans()):
        groups = [
            (f"g{n}", draw(_groups(is_classic=is_classic, above=dims, depth=depth - 1)))
            for n in range(draw(st.integers(1, 2)))
        ]
    return NetCDFGroup(
        dimensions=dimensions,
        variables=tuple(variables.items()),
        groups=tuple(groups),
        attributes=draw(_attributes()),
    )


def _variables(dims: tuple[str, ...], *, is_classic: bool) -> st.SearchStrategy[NetCDFVariable]:
    return st.builds(
        NetCDFVariable,
        dtype=st.sampled_from(_DTYPES if is_classic else (*_DTYPES, *_NEW_DTYPES)),
        dims=st.just(dims),
        is_compressed=st.booleans(),
        is_contiguous=st.booleans(),
        has_fill=st.booleans(),
        attributes=_attributes(),
        n_written=st.integers(0, 6),
        seed=st.integers(0, 99),
    )


def _attributes() -> st.SearchStrategy[tuple[int, ...]]:
    numbers = st.integers(0, len(_ATTRIBUTES) - 1)
    return st.lists(numbers, unique=True, max_size=4).map(tuple)
