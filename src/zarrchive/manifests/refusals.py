"""Why an operation on a virtual array is refused: a Problem that names the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.errors import Problem
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.naming import axis_name, codec_label, files_of, hint_to_load, hint_to_open

if TYPE_CHECKING:
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["problem_of_index", "problem_of_rank", "problem_of_values"]


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


def problem_of_index(array: ManifestArray, axis: int, found: str) -> Problem:
    """Return the Problem of an index that does not select whole chunks."""
    chunk = array.chunk_shape[axis]
    return Problem(
        code="index-misaligned",
        where=files_of(array),
        what=f"{found} along {axis_name(array, axis)} does not select whole chunks of {chunk} "
        f"out of {array.shape[axis]}",
        hint=f"select from a multiple of {chunk} on, or {hint_to_open(array)}",
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
