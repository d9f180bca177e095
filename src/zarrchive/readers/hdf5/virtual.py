"""HDF5 virtual datasets: views of other datasets, often in other files."""

from __future__ import annotations

from contextvars import ContextVar
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.fill import fill_value
from zarrchive.readers.hdf5.inlined_texts import fill_text
from zarrchive.readers.hdf5.inlining import manifest_of, one_chunk
from zarrchive.readers.hdf5.layout_message import Virtual
from zarrchive.readers.hdf5.problems import Reason, refusal_of
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.storage import Absent, Inlined, Referenced, Refused
from zarrchive.readers.hdf5.virtual_chunks import referenced
from zarrchive.readers.hdf5.virtual_extent import current, patterns_of
from zarrchive.readers.hdf5.virtual_mappings import Misfit, mappings_of
from zarrchive.readers.hdf5.virtual_parts import Target, part_of
from zarrchive.readers.hdf5.virtual_sources import SourceError, dataset_in, source_file
from zarrchive.readers.hdf5.virtual_values import Canvas, SourceValues
from zarrchive.readers.limits import SMALL, WANTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.storage import Storage
    from zarrchive.readers.hdf5.virtual_mappings import Mapping
    from zarrchive.readers.hdf5.virtual_parts import Part

__all__ = ["virtual", "with_current_shape"]

_DEEPEST: Final = 8
"""Virtual datasets of virtual datasets that are followed."""
_FOLLOWED: Final[ContextVar[tuple[tuple[str, int], ...]]] = ContextVar("_FOLLOWED", default=())
"""File and address of the virtual datasets that are being resolved."""
_TINY_CHUNK: Final = 32
"""Bytes; small datasets in such chunks are better held than referred to."""


class Decide(Protocol):
    """Decides how the values of a dataset are had."""

    def __call__(self, facts: Facts, *, is_wanted: bool) -> Storage:
        """Return the decision."""


def virtual(facts: Facts, decide: Decide, *, is_wanted: bool) -> Storage:
    """Refer to the chunks of the sources of a virtual dataset, or hold its values if it is small.

    Every source has to be there, in the folder of the file or below it: where HDF5 does not find
    one, it shows the fill value without a word.

    Parameters
    ----------
    facts
        The virtual dataset, with the shape that `with_current_shape` gave it.
    decide
        Decides how the values of a source are had.
    is_wanted
        Whether its values were asked for.
    """
    place = (facts.file.where, facts.address)
    followed = _FOLLOWED.get()
    if place in followed or len(followed) >= _DEEPEST:
        return _refused("it is a virtual dataset that shows itself, or too many behind each other")
    token = _FOLLOWED.set((*followed, place))
    try:
        return _resolved(facts, decide, is_wanted=is_wanted)
    except SourceError as error:
        return Refused(_missing(error))
    finally:
        _FOLLOWED.reset(token)


def with_current_shape(facts: Facts) -> Facts | Reason:
    """Return what is known of a dataset with the shape that its sources give it now.

    Only virtual datasets may change; a `Reason` where a source is missing.
    """
    try:
        return current(facts)
    except SourceError as error:
        return _missing(error)
    except Misfit as error:
        return _misfit(str(error)).reason
    except (Trouble, *PARSE_ERRORS) as error:
        return refusal_of(error)


def _missing(error: SourceError) -> Reason:
    what = f"it is a virtual dataset, and a source of it is missing: {error.what}"
    return _refused(what, error.hint).reason


def _resolved(facts: Facts, decide: Decide, *, is_wanted: bool) -> Storage:
    kind = facts.kind
    if not prod(facts.shape or ()):
        return Absent(one_chunk(facts.full_shape), 0)
    found: Storage | None = None
    why = f"up to {WANTED} bytes of values that are asked for are held"
    if kind.reason is None and not kind.is_vlen_string and facts.shape and not is_wanted:
        try:
            found = _referenced(facts, decide)
        except Misfit as error:
            why = str(error)
        if found is not None and (facts.nbytes > SMALL or not _is_tiny(found, facts)):
            return found
    if facts.nbytes > (WANTED if is_wanted else SMALL):
        return _misfit(why) if kind.reason is None else Refused(kind.reason)
    try:
        return _inlined(facts, decide)
    except Misfit as error:
        return found or _misfit(f"{why}; {error}")


def _is_tiny(found: Storage, facts: Facts) -> bool:
    """Say whether chunks are too small to be worth a reference each."""
    if not isinstance(found, Referenced) or facts.kind.caution is not None:
        return not isinstance(found, Absent)
    itemsize = facts.nbytes // max(1, prod(facts.full_shape))
    return prod(found.chunk_shape) * itemsize < _TINY_CHUNK and found.manifest.size > 1


def _referenced(facts: Facts, decide: Decide) -> Referenced | Absent:
    fill, dtype = _fill_bytes(facts), facts.kind.dtype
    if dtype is None:
        raise Misfit("its values have no type")
    target = Target(facts.full_shape, dtype, fill)
    parts: list[Part] = []
    for source, mappings in _sources(facts):
        kind = source.kind
        storage: Storage | None = None
        for mapping in mappings:
            slabs = mapping.slabs(facts.shape or (), source.shape or ())
            if slabs is None:
                raise Misfit(f"{mapping} takes an irregular selection")
            if (kind.dtype, kind.inner, kind.reason) != (dtype, facts.kind.inner, None):
                raise Misfit(f"{mapping} has values of type {kind.dtype}, not {dtype}")
            storage = storage or decide(source, is_wanted=False)
            if isinstance(storage, Refused):
                raise Misfit(f"{source.file.where}: {storage.reason.what}")
            parts.append(
                part_of(
                    str(mapping),
                    target,
                    slabs,
                    shape=source.full_shape,
                    storage=storage,
                    fill=_fill_bytes(source),
                    is_chunked=source.chunk_shape is not None,
                )
            )
    return referenced(target, parts)


def _inlined(facts: Facts, decide: Decide) -> Inlined:
    canvas = Canvas(facts, _fill(facts))
    for source, mappings in _sources(facts):
        storage = decide(source, is_wanted=True)
        if isinstance(storage, Referenced) and _is_elsewhere(source):
            raise Misfit(f"{source.file.where}: its values are in yet another file")
        values = SourceValues(source, storage, _fill(source))
        for mapping in mappings:
            canvas.copy(mapping, values)
    chunk_shape = one_chunk(facts.full_shape)
    manifest = manifest_of(facts.full_shape, chunk_shape, {0: canvas.encoded()})
    return Inlined(manifest, chunk_shape)


def _sources(facts: Facts) -> Iterator[tuple[Facts, Iterator[Mapping]]]:
    """Yield each source with its mappings; files are opened one after the other."""
    mappings = mappings_of(patterns_of(facts), facts.shape or ())
    for name, same_file in groupby(mappings, key=lambda one: one.file):
        with source_file(facts.file, name) as other:
            for path, same_dataset in groupby(same_file, key=lambda one: one.path):
                source = current(dataset_in(other, path))
                if source.shape is None or source.kind.dtype is None:
                    raise SourceError(f"{other.where}: {path!r} has no values to show", "")
                yield source, same_dataset


def _fill(facts: Facts) -> object:
    """Return what an unwritten element reads as."""
    if facts.kind.is_vlen_string:
        return run(fill_text(facts), facts.file.data)
    value = fill_value(facts)
    if value is None:
        raise Misfit(f"{facts.file.where}: the fill value is an array of values")
    return value


def _fill_bytes(facts: Facts) -> bytes:
    return np.asarray(_fill(facts), dtype=facts.kind.dtype).tobytes()


def _is_elsewhere(source: Facts) -> bool:
    """Say whether HDF5 would open further files to read a source."""
    return isinstance(source.layout, Virtual) or source.external is not None


def _misfit(why: str) -> Refused:
    return _refused(
        f"it is a virtual dataset whose chunks are no whole chunks of its sources: {why}; up to "
        f"{SMALL} bytes of such values are held",
        "name it in loadable_variables, or open the files that it refers to and combine them",
    )


def _refused(what: str, hint: str = "") -> Refused:
    return Refused(
        Reason(
            code="hdf5-virtual-dataset",
            what=what,
            hint=hint or "open the files that it refers to and combine them",
        )
    )
