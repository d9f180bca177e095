"""The one place that decides how the values of a dataset are had."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from zarrchive.errors import FormatError
from zarrchive.readers.hdf5.conversion import stored_as
from zarrchive.readers.hdf5.external import external
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.inlined_texts import inlined_texts
from zarrchive.readers.hdf5.inlining import inlined
from zarrchive.readers.hdf5.layout_message import Compact, Virtual
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.pipeline import missing_filter
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason, damaged, refusal_of
from zarrchive.readers.hdf5.references import with_targets
from zarrchive.readers.hdf5.referencing import chunked, contiguous
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.storage import Referenced, Refused
from zarrchive.readers.hdf5.virtual import virtual
from zarrchive.readers.limits import SMALL, WANTED

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["decide"]


def decide(facts: Facts, *, is_wanted: bool) -> Steps[Storage]:
    """Decide how the values of one dataset are had.

    Parameters
    ----------
    facts
        The dataset.
    is_wanted
        Whether its values were asked for.
    """
    try:
        return (yield from _decided(facts, is_wanted=is_wanted))
    except (Trouble, *PARSE_ERRORS) as error:
        return Refused(refusal_of(error))
    except FormatError as error:
        return Refused(damaged(error, "its values"))
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        reason = missing_filter(facts.filters)
        return Refused(reason or damaged(error, "its values or its chunk index"))


def _decided(facts: Facts, *, is_wanted: bool) -> Steps[Storage]:
    reason = yield from _refusal(facts)
    if reason is not None:
        return Refused(reason)
    if isinstance(facts.layout, Virtual):
        return _cautious(virtual(facts, _of_source, is_wanted=is_wanted), facts)
    if facts.external is not None:
        return _cautious((yield from external(facts, is_wanted=is_wanted)), facts)
    if facts.kind.is_vlen_string:
        return (yield from inlined_texts(facts))
    if facts.nbytes <= _inline_limit(facts, is_wanted=is_wanted):
        return (yield from inlined(facts))
    elements = stored_as(facts)
    if elements is None:
        return Refused(facts.kind.reason or _NULL)
    if facts.chunk_shape is not None:
        storage = yield from chunked(facts, elements)
    else:
        storage = contiguous(facts, elements)
    return _cautious(storage, facts)


def _of_source(facts: Facts, *, is_wanted: bool) -> Storage:
    """Decide how the values of a source of a virtual dataset are had."""
    return run(decide(facts, is_wanted=is_wanted), facts.file.data)


def _cautious(storage: Storage, facts: Facts) -> Storage:
    caution = facts.kind.caution
    if caution is None or not isinstance(storage, Referenced):
        return storage
    return replace(storage, caution=caution)


def _refusal(facts: Facts) -> Steps[Reason | None]:
    """Say why the values cannot be had at all, not even through h5py."""
    if facts.shape is None:
        return _NULL
    if max(facts.shape, default=0) > _LONGEST:
        return _too_long(facts.shape)
    if facts.kind.dtype is None:
        if facts.kind.is_reference and facts.kind.reason is not None:
            return (yield from with_targets(facts.kind.reason, facts))
        return facts.kind.reason
    return None


def _inline_limit(facts: Facts, *, is_wanted: bool) -> float:
    """Return up to how many bytes the values are inlined."""
    if isinstance(facts.layout, Compact) or not facts.shape:
        return inf  # they are in the object header, or one element
    if is_wanted:
        return WANTED
    is_exact = facts.kind.reason is None and facts.kind.caution is None
    return -1 if is_exact else SMALL


_LONGEST: Final = 2**53
"""Elements along a dimension. zarr divides lengths as float64, and beyond returns memory that it
never filled."""


def _too_long(shape: tuple[int, ...]) -> Reason:
    return Reason(
        code="hdf5-too-long",
        what=f"it has shape {shape}; beyond 2**53 elements along a dimension zarr finds no chunks",
        hint="compare the file with the original: no real data are as long",
    )


_NULL: Final = Reason(
    code="hdf5-null-dataspace",
    what="it has a null dataspace: a datatype, but no values",
    hint="nothing is lost; its attributes can be read with h5py",
)
