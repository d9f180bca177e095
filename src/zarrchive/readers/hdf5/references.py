"""Datasets of references: what they point to, for those who miss them."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import Reference
from zarrchive.readers.hdf5.limits import SMALL
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.stored_elements import stored_elements
from zarrchive.readers.hdf5.superblock import number

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.problems import Reason
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["with_targets"]

_MOST: Final = 3
"""References that are named."""


def with_targets(reason: Reason, facts: Facts) -> Steps[Reason]:
    """Add the paths to which the first references of a dataset point."""
    datatype = parse_datatype(facts.datatype)
    width = facts.file.superblock.address_size
    is_address = isinstance(datatype, Reference) and datatype.kind == "object"
    count = prod(facts.shape or ())
    if not is_address or datatype.size != width or count * width > SMALL or facts.is_told_by_h5py:
        return reason
    try:
        raw = yield from stored_elements(facts)
        addresses = [number(raw or b"", i * width, width) for i in range(min(count, _MOST))]
    except (Trouble, *PARSE_ERRORS):
        return reason  # what they point to is a courtesy; that they are refused is said anyway
    found = [facts.file.paths[one] for one in addresses if one in facts.file.paths]
    if not found:
        return reason
    targets = ", ".join(repr(path.decode("utf-8", "replace")) for path in found)
    return replace(reason, what=f"{reason.what}; the first point to {targets}")
