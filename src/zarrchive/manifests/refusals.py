"""Why an operation on a virtual array is refused: a Problem that names the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.errors import Problem
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.chunk_lengths import lengths_text
from zarrchive.manifests.naming import axis_name, codec_label, files_of, hint_to_load, hint_to_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = [
    "problem_of_cut",
    "problem_of_fill",
    "problem_of_gaps",
    "problem_of_index",
    "problem_of_rank",
    "problem_of_reverse",
    "problem_of_split",
    "problem_of_values",
]


def problem_of_values(array: ManifestArray, operation: str) -> Problem:
    """Return the Problem of an operation that would have to read the data."""
    return Problem(
        code="array-needs-values",
        where=files_of(array),
        what=f"{operation} needs the values of a virtual array of shape {array.shape}, "
        "which holds only references to chunks",
        hint=hint_to_open(array),
        variable=array.name,
    )


def _length(array: ManifestArray, axis: int) -> str:
    return lengths_text(array.chunk_lengths[axis : axis + 1])


def problem_of_index(array: ManifestArray, axis: int, found: str) -> Problem:
    """Return the Problem of an index that does not select whole chunks."""
    chunk = array.chunk_lengths[axis]
    start = f"a multiple of {chunk}" if isinstance(chunk, int) else "the start of a chunk"
    return Problem(
        code="index-misaligned",
        where=files_of(array),
        what=f"{found} along {axis_name(array, axis)} does not select whole chunks of "
        f"{_length(array, axis)} out of {array.shape[axis]}",
        hint=f"select from {start} on, or {hint_to_open(array)}",
        variable=array.name,
    )


def problem_of_reverse(array: ManifestArray, axis: int) -> Problem:
    """Return the Problem of reversing an axis whose chunks cannot be reversed."""
    return Problem(
        code="reverse-ragged",
        where=files_of(array),
        what=f"{axis_name(array, axis)} cannot be reversed by references: {array.shape[axis]} "
        f"elements in chunks of {_length(array, axis)} are no whole number of chunks, or "
        "have no fixed size",
        hint=hint_to_open(array),
        variable=array.name,
    )


def problem_of_cut(array: ManifestArray, chunk_shape: Sequence[int], count: int) -> Problem:
    """Return the Problem of cutting chunks so finely that references outweigh the data."""
    return Problem(
        code="cut-too-fine",
        where=files_of(array),
        what=f"chunks of {array.chunk_shape} would have to be cut into {count} chunks of "
        f"{tuple(chunk_shape)}, which is more references than they are worth",
        hint=hint_to_open(array),
        variable=array.name,
    )


def problem_of_split(array: ManifestArray, chunk_shape: Sequence[int], why: str) -> Problem:
    """Return the Problem of splitting chunks into what are no ranges of their bytes."""
    return Problem(
        code="split-impossible",
        where=files_of(array),
        what=f"chunks of {array.chunk_shape} cannot be cut into {tuple(chunk_shape)}: {why}",
        hint=f"choose other chunks, or {hint_to_open(array)}",
        variable=array.name,
    )


def problem_of_rank(array: ManifestArray, operation: str) -> Problem:
    """Return the Problem of an operation on axes that the codecs of an array do not allow."""
    codecs = ", ".join(map(codec_label, codec_documents(array.metadata)))
    return Problem(
        code="axis-codecs",
        where=files_of(array),
        what=f"{operation} changes the axes of chunks, on which the codecs {codecs} depend",
        hint=hint_to_load(array),
        variable=array.name,
    )


def problem_of_gaps(array: ManifestArray, axis: int) -> Problem:
    """Return the Problem of gaps that do not lie between whole chunks."""
    return Problem(
        code="reindex-misaligned",
        where=files_of(array),
        what=f"what is wanted along {axis_name(array, axis)} is no run of whole chunks of "
        f"{_length(array, axis)} out of {array.shape[axis]}, with gaps between",
        hint=hint_to_open(array),
        variable=array.name,
    )


def problem_of_fill(array: ManifestArray, value: object, why: str) -> Problem:
    """Return the Problem of gaps that would not read as they should."""
    return Problem(
        code="fill-differs",
        where=files_of(array),
        what=f"gaps cannot read as {value}: {why}",
        hint=hint_to_open(array),
        variable=array.name,
    )
