"""The arrays of one group, once the dimension scales of the whole file are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.dimensions import GroupDimensions
from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray
    from zarrchive.readers.hdf5.dimensions import Scale, Scales
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.variable import Arrays, Variable

__all__ = ["group_arrays"]


def group_arrays(
    file: OpenFile,
    variables: Mapping[str, tuple[str, Variable]],
    scales: Scales,
    made: Arrays,
) -> tuple[dict[str, ManifestArray], list[Problem]]:
    """Name the dimensions of the variables of one group and build their arrays.

    `made` remembers those of other groups of the same file.
    """
    dimensions = GroupDimensions(frozenset(variables))
    arrays: dict[str, ManifestArray] = {}
    problems: list[Problem] = []
    for name, (path, variable) in variables.items():
        found = scales.resolve(variable.axes)
        shape, reasons = _grown_shape(variable, found)
        names, more = dimensions.name(found, shape)
        problems.extend(reason.at(file.where, path) for reason in (*reasons, *more))
        array = made.of(name, variable, names, shape)
        if isinstance(array, Reason):
            problems.append(array.at(file.where, path))
        else:
            arrays[name] = array
    return arrays, problems


def _grown_shape(
    variable: Variable, scales: tuple[Scale | None, ...]
) -> tuple[tuple[int, ...], list[Reason]]:
    """Return the shape that netCDF shows: unlimited dimensions have one length for all.

    A variable that was written less far than others reads as its fill value behind its end.
    """
    shape = list(variable.shape)
    if not variable.is_padded_with_fill:
        return tuple(shape), []
    for axis, scale in enumerate(scales):
        if scale is not None and scale.is_unlimited and variable.unlimited[axis]:
            shape[axis] = max(shape[axis], scale.size)
    if tuple(shape) == variable.shape:
        return variable.shape, []
    reason = Reason(
        code="hdf5-unlimited-length",
        what=f"its shape is {variable.shape} in HDF5, but {tuple(shape)} as netCDF shows it: "
        "others were written further along an unlimited dimension",
        hint="expect its fill value in the part that was never written",
        severity="warning",
    )
    return tuple(shape), [reason]
