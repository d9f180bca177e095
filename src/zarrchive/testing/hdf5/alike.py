"""Things that are alike: the files of a series, or the groups of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import netCDF4
import numpy as np
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["fill", "structures", "write"]

_FILTERS: Final[tuple[dict[str, bool], ...]] = (
    {},
    {"zlib": True},
    {"zlib": True, "shuffle": True},
    {"fletcher32": True},
)
_TEXTS: Final = st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=20)


@st.composite
def structures(draw: st.DrawFn) -> dict[str, Any]:
    """Draw dimensions, variables and attributes of a netCDF4 file."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    dims = [f"d{number}" for number in range(len(sizes))]
    variables = []
    for number in range(draw(st.integers(1, 11))):
        rank = draw(st.integers(0, len(dims)))
        variables.append(
            {
                "name": draw(st.sampled_from([f"v{number}", *dims[:1]]))
                if rank == 1
                else f"v{number}",
                "dtype": draw(st.sampled_from(["i2", "f4", "f8", "i4", "u1", "S1", "text"])),
                "dims": tuple(dims[:rank]),
                "chunks": tuple(draw(st.integers(1, sizes[axis])) for axis in range(rank)),
                "is_chunked": draw(st.booleans()) and rank > 0,
                "filters": draw(st.sampled_from(_FILTERS)),
                "is_big": draw(st.booleans()),
                "n_attributes": draw(st.sampled_from([0, 1, 3, 12])),
                "group": draw(st.sampled_from(["", "", "g"])),
            }
        )
    return {
        "sizes": dict(zip(dims, sizes, strict=True)),
        "unlimited": draw(st.sampled_from([None, dims[0]])),
        "variables": variables,
        "texts": draw(st.lists(_TEXTS, min_size=0, max_size=10)),
    }


def write(path: Path, structure: Mapping[str, Any], seed: int) -> None:
    """Write a file of a series: the same objects, with other values."""
    with netCDF4.Dataset(path, "w") as file:
        fill(file, structure, seed)


def fill(file: Any, structure: Mapping[str, Any], seed: int) -> None:
    """Write objects into a file, or into a group of one."""
    random = np.random.default_rng(seed)
    file.setncattr("history", f"made by run {seed:04d}")
    for number, text in enumerate(structure["texts"]):
        file.setncattr(f"text{number}", text)
    for name, size in structure["sizes"].items():
        file.createDimension(name, None if name == structure["unlimited"] else size)
    for one in structure["variables"]:
        group = file.createGroup(one["group"]) if one["group"] else file
        if one["name"] in group.variables:
            continue
        is_text = one["dtype"] == "text"
        options = {} if is_text else dict(one["filters"])
        dtype = np.dtype("O" if is_text else one["dtype"])
        if one["is_big"] and dtype.itemsize > 1 and not is_text:
            dtype, options["endian"] = dtype.newbyteorder(">"), "big"
        if one["is_chunked"]:
            options["chunksizes"] = one["chunks"]
        kind = str if is_text else dtype
        variable = group.createVariable(one["name"], kind, one["dims"], **options)
        for number in range(one["n_attributes"]):
            value = [f"text {seed:04d}", np.float32(seed), np.arange(3) + seed][number % 3]
            variable.setncattr(f"attribute{number}", value)
        shape = tuple(structure["sizes"][name] for name in one["dims"])
        values = random.integers(0, 2 + 50 * (seed % 3), shape)
        if is_text:
            texts = np.vectorize(lambda n: "text " * (n % 4), otypes=[object])
            variable[...] = texts(values) if shape else f"text {seed}"
        else:
            variable[...] = values.astype("u1").view("S1") if dtype.kind == "S" else values
