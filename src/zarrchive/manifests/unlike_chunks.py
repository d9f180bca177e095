"""Whether arrays can be joined with their chunks as they lie, each of its own length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.manifests.concat import problems_of_concat
from zarrchive.manifests.rectilinear import obstacle_to_lengths, with_lengths_stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["as_they_lie"]

_OF_LENGTHS: Final = frozenset({"concat-chunks", "concat-ragged"})


def as_they_lie(arrays: Sequence[ManifestArray], axis: int) -> list[ManifestArray] | None:
    """Return arrays that can be joined because they state the length of each of their chunks.

    None where that does not help, or cannot be said: not with zarr before 3.2, nor where the
    arrays differ in other things, or beside the axis.

    Parameters
    ----------
    arrays
        At least one, of any kind.
    axis
        Along which they are to be joined; not negative.
    """
    reasons = problems_of_concat(arrays, axis=axis)
    if not reasons or not {reason.code for reason in reasons} <= _OF_LENGTHS:
        return None
    if any(obstacle_to_lengths(array, axis) for array in arrays):
        return None
    stated = [with_lengths_stated(array, axis) for array in arrays]
    return None if problems_of_concat(stated, axis=axis) else stated
