"""The one place that decides how the values of a dataset are had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h5py import h5d

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
    if facts.shape is None:
        return Refused(_NULL)
    if facts.kind.dtype is None and facts.kind.reason is not None:
        return Refused(facts.kind.reason)
    if facts.layout == h5d.VIRTUAL:
        return virtual(file, facts)
    if facts.plist.get_external_count():
        return Refused(_external(facts))
    if facts.kind.is_vlen_string:
        return inlined_strings(file, facts, has_fill=has_fill)
    if facts.layout == h5d.COMPACT or not facts.shape:
        return inlined(facts)
    if is_wanted and facts.nbytes <= WANTED:
        return inlined(facts)
    if facts.kind.reason is not None:
        return inlined(facts) if facts.nbytes <= SMALL else Refused(facts.kind.reason)
    caution = facts.kind.caution
    if caution is not None and facts.nbytes <= SMALL:
        return inlined(facts)
    storage = chunked(file, facts) if facts.chunk_shape is not None else contiguous(file, facts)
    return replace(storage, caution=caution) if isinstance(storage, Referenced) else storage


_NULL = Reason(
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
