"""The one place that decides how the values of a dataset are had."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from h5py import h5d

from zarrchive.readers.hdf5.external import external
from zarrchive.readers.hdf5.fill import has_own_fill
from zarrchive.readers.hdf5.inlining import inlined, inlined_strings
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.pipeline import filters_of, missing_filter
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason, damaged
from zarrchive.readers.hdf5.references import with_targets
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
    if facts.layout == h5d.VIRTUAL:
        return _cautious(virtual(file, facts, _of_source, is_wanted=is_wanted), facts)
    if facts.plist.get_external_count():
        return _cautious(external(file, facts, is_wanted=is_wanted), facts)
    if facts.kind.is_vlen_string:
        return inlined_strings(file, facts, has_fill=has_fill)
    if facts.nbytes <= _inline_limit(facts, is_wanted=is_wanted):
        return inlined(facts)
    if facts.kind.reason is not None:
        return Refused(facts.kind.reason)
    storage = chunked(file, facts) if facts.chunk_shape is not None else contiguous(file, facts)
    return _cautious(storage, facts)


def _of_source(file: OpenFile, facts: Facts) -> Storage:
    """Decide how the values of a source of a virtual dataset are had."""
    return decide(file, facts, is_wanted=False, has_fill=has_own_fill(facts.plist))


def _cautious(storage: Storage, facts: Facts) -> Storage:
    caution = facts.kind.caution
    return replace(storage, caution=caution) if isinstance(storage, Referenced) else storage


def _refusal(facts: Facts) -> Reason | None:
    """Say why the values cannot be had at all, not even through h5py."""
    if facts.shape is None:
        return _NULL
    if facts.kind.dtype is None:
        if facts.kind.is_reference and facts.kind.reason is not None:
            return with_targets(facts.kind.reason, facts)
        return facts.kind.reason
    return None


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
