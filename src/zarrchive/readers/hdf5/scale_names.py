"""Dimension scales outside of the groups that were read, which variables inside refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.readers.hdf5.dimensions import Scale
from zarrchive.readers.hdf5.facts import Facts, read_facts
from zarrchive.readers.hdf5.links import HARD
from zarrchive.readers.hdf5.objects import FileObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zarrchive.readers.hdf5.dimensions import Axes, Scales
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.scan import Scan

__all__ = ["NOTHING_OUTSIDE", "Outside", "outer_scales"]


class Outside(NamedTuple):
    """What is known of the file outside of the groups that are read."""

    paths: Mapping[int, bytes]
    """A path of each object, by address."""
    scales: Mapping[int, Scale]


NOTHING_OUTSIDE: Final = Outside({}, {})


def outer_scales(
    scan: Scan, scales: Scales, axes: Iterable[Axes], outside: Outside = NOTHING_OUTSIDE
) -> Steps[None]:
    """Add the scales that variables refer to and that are in no group that was read.

    In netCDF they are in one of the groups above, whose links were followed on the way down;
    any others are found by following all links of the file.
    """
    missing = {one for a in axes for one in a.scales if one is not None} - scales.by_address.keys()
    for address in missing & outside.scales.keys():
        scales.by_address[address] = outside.scales[address]
    missing -= outside.scales.keys()
    if not missing:
        return
    paths = _paths(scan, missing)
    paths.update({one: outside.paths[one] for one in missing & outside.paths.keys()})
    if missing - paths.keys():
        scan.leave_siblings()
        yield from scan.read_below(scan.file.superblock.root, b"/")
        paths = _paths(scan, missing)
    yield from scan.read(paths)
    found = [scan.by_address[address] for address in paths]
    datasets = [one for one in found if isinstance(one, FileObject) and one.kind == "dataset"]
    for obj, facts in zip(datasets, (yield from read_facts(scan.file, datasets)), strict=True):
        if isinstance(facts, Facts) and facts.shape:
            path = paths[obj.address].decode("utf-8", "replace")
            scales.by_address[obj.address] = Scale(
                path.rpartition("/")[2],
                path,
                facts.shape[0],
                is_unlimited=facts.max_shape[0] is None,
            )


def _paths(scan: Scan, wanted: set[int]) -> dict[int, bytes]:
    """Return paths of objects that are linked from the groups that were read."""
    paths: dict[int, bytes] = {}
    for one in scan.by_address.values():
        if isinstance(one, FileObject):
            for link in one.links:
                if link.kind == HARD and link.address in wanted:
                    paths.setdefault(link.address, one.path.rstrip(b"/") + b"/" + link.name)
    return paths
