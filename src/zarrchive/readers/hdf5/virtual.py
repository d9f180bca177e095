"""HDF5 virtual datasets: views of other datasets, often in other files."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Final, Protocol

import numcodecs
import numpy as np

from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.fill import fill_value
from zarrchive.readers.hdf5.inlined_texts import fill_text
from zarrchive.readers.hdf5.inlining import one_chunk
from zarrchive.readers.hdf5.layout_message import Virtual
from zarrchive.readers.hdf5.limits import SMALL, WANTED
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Absent, Inlined, Referenced, Refused
from zarrchive.readers.hdf5.stored_floats import InexactError
from zarrchive.readers.hdf5.virtual_chunks import referenced
from zarrchive.readers.hdf5.virtual_extent import current_shape
from zarrchive.readers.hdf5.virtual_mappings import Misfit, mappings_of
from zarrchive.readers.hdf5.virtual_parts import Target, part_of
from zarrchive.readers.hdf5.virtual_sources import SourceError, dataset_in, source_file
from zarrchive.readers.hdf5.virtual_values import copy_mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile
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

    def __call__(self, file: OpenFile, facts: Facts) -> Storage:
        """Return the decision."""


def virtual(file: OpenFile, facts: Facts, decide: Decide, *, is_wanted: bool) -> Storage:
    """Refer to the chunks of the sources of a virtual dataset, or hold its values if it is small.

    Every source has to be there, in the folder of `file` or below it: where HDF5 does not find
    one, it shows the fill value without a word.

    Parameters
    ----------
    file
        The file of the virtual dataset.
    facts
        The virtual dataset; `dataset`, `plist`, `kind`, `shape`, `full_shape`, `nbytes`,
        `chunk_shape` and `address` are taken, and the same of its sources.
    decide
        Decides how the values of a source are had.
    is_wanted
        Whether its values were asked for.
    """
    place = (file.where, facts.address)
    followed = _FOLLOWED.get()
    if place in followed or len(followed) >= _DEEPEST:
        return _refused("it is a virtual dataset that shows itself, or too many behind each other")
    token = _FOLLOWED.set((*followed, place))
    try:
        return _resolved(file, facts, decide, is_wanted=is_wanted)
    except SourceError as error:
        return Refused(_missing(error))
    finally:
        _FOLLOWED.reset(token)


def with_current_shape(file: OpenFile, facts: Facts) -> Facts | Reason:
    """Return what is known of a dataset with the shape that its sources give it now.

    Only virtual datasets may change (`layout`, `plist` and `shape` are taken); a `Reason` where
    a source is missing.
    """
    if not isinstance(facts.layout, Virtual) or facts.shape is None:
        return facts
    try:
        return replace(facts, shape=current_shape(file, facts.plist, facts.shape))
    except SourceError as error:
        return _missing(error)
    except Misfit as error:
        return _misfit(str(error)).reason


def _missing(error: SourceError) -> Reason:
    what = f"it is a virtual dataset, and a source of it is missing: {error.what}"
    return _refused(what, error.hint).reason


def _resolved(file: OpenFile, facts: Facts, decide: Decide, *, is_wanted: bool) -> Storage:
    kind = facts.kind
    if not prod(facts.shape or ()):
        return Absent(one_chunk(facts.full_shape), 0)
    found: Storage | None = None
    why = f"up to {WANTED} bytes of values that are asked for are held"
    if kind.reason is None and not kind.is_vlen_string and facts.shape and not is_wanted:
        try:
            found = _referenced(file, facts, decide)
        except Misfit as error:
            why = str(error)
        if found is not None and (facts.nbytes > SMALL or not _is_tiny(found, facts)):
            return found
    if facts.nbytes > (WANTED if is_wanted else SMALL):
        return _misfit(why) if kind.reason is None else Refused(kind.reason)
    try:
        return _inlined(file, facts)
    except Misfit as error:
        return found or _misfit(f"{why}; {error}")
    except InexactError as error:
        return _refused(f"it is a virtual dataset with values that Zarr cannot hold: {error}")


def _is_tiny(found: Storage, facts: Facts) -> bool:
    """Say whether chunks are too small to be worth a reference each."""
    if not isinstance(found, Referenced) or facts.kind.caution is not None:
        return not isinstance(found, Absent)
    itemsize = facts.nbytes // max(1, prod(facts.full_shape))
    return prod(found.chunk_shape) * itemsize < _TINY_CHUNK and found.manifest.size > 1


def _referenced(file: OpenFile, facts: Facts, decide: Decide) -> Referenced | Absent:
    fill, dtype = _fill(facts), facts.kind.dtype
    if fill is None or dtype is None:
        raise Misfit("its fill value is an array of values, which Zarr cannot say")
    target = Target(facts.full_shape, dtype, fill)
    parts: list[Part] = []
    for other, source, mapping in _sources(file, facts):
        slabs = mapping.slabs(facts.shape or (), source.shape or ())
        if slabs is None:
            raise Misfit(f"{mapping} takes an irregular selection")
        own_fill = _fill(source)
        kind = source.kind
        if (kind.dtype, kind.inner, kind.reason) != (dtype, facts.kind.inner, None):
            raise Misfit(f"{mapping} has values of type {kind.dtype}, not {dtype}")
        if own_fill is None:
            raise Misfit(f"the fill value of {mapping} is an array of values")
        parts.append(
            part_of(
                str(mapping),
                target,
                slabs,
                shape=source.full_shape,
                storage=_storage(decide, other, source),
                fill=own_fill,
                is_chunked=source.chunk_shape is not None,
            )
        )
    return referenced(target, parts)


def _storage(decide: Decide, file: OpenFile, facts: Facts) -> Storage:
    storage = decide(file, facts)
    if isinstance(storage, Refused):
        what = f"{file.where}: {storage.reason.what}"
        raise Misfit(what)
    return storage


def _sources(file: OpenFile, facts: Facts) -> Iterator[tuple[OpenFile, Facts, Mapping]]:
    """Yield the source of each mapping; files are opened one after the other."""
    mappings = mappings_of(facts.plist, facts.shape or ())
    for name, same_file in groupby(mappings, key=lambda one: one.file):
        with source_file(file, name) as other:
            for path, same_dataset in groupby(same_file, key=lambda one: one.path):
                source = with_current_shape(other, dataset_in(other, path))
                if isinstance(source, Reason):
                    raise SourceError(source.what, source.hint)
                if source.shape is None or source.kind.dtype is None:
                    raise SourceError(f"{other.where}: {path!r} has no values to show", "")
                for mapping in same_dataset:
                    yield other, source, mapping


def _fill(facts: Facts) -> bytes | None:
    """Return one unwritten element, as bytes of the type of the values."""
    value = fill_value(facts)
    return None if value is None else np.asarray(value, dtype=facts.kind.dtype).tobytes()


def _inlined(file: OpenFile, facts: Facts) -> Inlined:
    shape, kind = facts.full_shape, facts.kind
    fill: object = run(fill_text(facts), file.data) if kind.is_vlen_string else fill_value(facts)
    if fill is None:
        raise Misfit("its fill value is an array of values, which Zarr cannot say")
    values = np.full(shape, fill, dtype=kind.dtype)
    is_mapped = np.zeros(prod(facts.shape or ()), dtype=bool)
    for _, source, mapping in _sources(file, facts):
        if _is_elsewhere(source):
            raise Misfit(f"{mapping} shows values that are in yet another file")
        copy_mapped(values, mapping, facts, source, is_mapped)
    data = _encoded_texts(values) if kind.is_vlen_string else values.tobytes()
    chunk_shape = one_chunk(shape)
    grid = tuple(-(-size // chunk) for size, chunk in zip(shape, chunk_shape, strict=True))
    return Inlined(ChunkManifest.of_bytes(grid, data), chunk_shape)


def _is_elsewhere(source: Facts) -> bool:
    """Say whether HDF5 would open further files to read a source."""
    return isinstance(source.layout, Virtual) or source.is_external


def _encoded_texts(values: np.ndarray) -> bytes:
    texts = [one.decode() if isinstance(one, bytes) else one or "" for one in values.reshape(-1)]
    flat = np.empty(len(texts), dtype=object)
    flat[:] = texts
    return bytes(numcodecs.VLenUTF8().encode(flat))


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
