"""HDF5 virtual datasets: views of other datasets, often in other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["virtual"]


def virtual(facts: Facts) -> Reason:
    """Say why a virtual dataset is refused: its sources may be other files, of unknown state.

    HDF5 shows the fill value where a source is missing, without a word.
    """
    plist = facts.plist
    sources = {
        (
            plist.get_virtual_filename(i),
            plist.get_virtual_dsetname(i),
        )
        for i in range(plist.get_virtual_count())
    }
    names = ", ".join(f"{path!r} in {name!r}" for name, path in sorted(sources)[:5])
    return Reason(
        code="hdf5-virtual-dataset",
        what=f"it is a virtual dataset, a view of {len(sources)} others ({names})",
        hint="open the files that it refers to and combine them",
    )
