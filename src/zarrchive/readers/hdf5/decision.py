"""The one place that decides how the values of a dataset are had."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from h5py import h5d

from zarrchive.readers.hdf5.conversion import stored_as
from zarrchive.readers.hdf5.inlining import inlined, inlined_strings
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.pipeline import filters_of, missing_filter
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason, damaged
from zarrchive.readers.hdf5.referencing import chunked, contiguous
from zarrchive.readers.hdf5.storage import Referenced, Refused
from zarrchive.readers.hdf5.values import SMALL, WANTED
from zarrchive.readers.hdf5.virtual import virtual

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["decide"]


def decide(file: OpenFile, facts: Facts, *, is_wanted: bool, has_fill: bool) -> Storage:
    """Decide how the values of one dataset are had.

    Parameters
    ----------
    file
        The open file.
    facts
        The dataset.
    is_wanted
        Whether its values were asked for.
    has_fill
        Whether it has a fill value of its own.
    """
    try:
        return _decide(file, facts, is_wanted=is_wanted, has_fill=has_fill)
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        reason = missing_filter(filters_of(facts.plist))
        return Refused(reason or damaged(error, "its values or its chunk index"))


def _decide(file: OpenFile, facts: Facts, *, is_wanted: bool, has_fill: bool) -> Storage:
    reason = _refusal(facts)
    if reason is not None:
        return Refused(reason)
    if facts.kind.is_vlen_string:
        return inlined_strings(file, facts, has_fill=has_fill)
    if facts.nbytes <= _inline_limit(facts, is_wanted=is_wanted):
        return inlined(facts)
    elements = stored_as(facts)
    if elements is None:
        return Refused(facts.kind.reason or _NULL)
    refer = contiguous if facts.chunk_shape is None else chunked
    storage = refer(file, facts, elements)
    caution = facts.kind.caution
    return replace(storage, caution=caution) if isinstance(storage, Referenced) else storage


def _refusal(facts: Facts) -> Reason | None:
    """Say why the values cannot be had at all, not even through h5py."""
    if facts.shape is None:
        return _NULL
    if facts.kind.dtype is None:
        return facts.kind.reason
    if facts.layout == h5d.VIRTUAL:
        return virtual(facts)
    return _external(facts) if facts.plist.get_external_count() else None


def _inline_limit(facts: Facts, *, is_wanted: bool) -> float:
    """Return up to how many bytes the values are inlined."""
    if facts.layout == h5d.COMPACT or not facts.shape:
        return inf  # they are in the object header, or one element
    if is_wanted:
        return WANTED
    is_exact = facts.kind.reason is None and facts.kind.caution is None
    return -1 if is_exact else SMALL


_NULL: Final = Reason(
    code="hdf5-null-dataspace",
    what="it has a null dataspace: a datatype, but no values",
    hint="nothing is lost; its attributes can be read with h5py",
)


def _external(facts: Facts) -> Reason:
    names = [
        facts.plist.get_external(i)[0].decode("utf-8", "replace")
        for i in range(facts.plist.get_external_count())
    ]
    return Reason(
        code="hdf5-external-storage",
        what=f"its values are in other files, of unknown state: {', '.join(map(repr, names))}",
        hint="read this variable with h5py, or write it into one file with h5repack",
    )
