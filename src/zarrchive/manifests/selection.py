"""Selecting elements along every axis: by whole chunks, or by cutting uncompressed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.axes import can_reverse, reverse, without_axes
from zarrchive.manifests.chunk_lengths import chunk_ends
from zarrchive.manifests.cut_lengths import Run, longest_cut
from zarrchive.manifests.cutting import Pieces, cut, is_raw
from zarrchive.manifests.rearrange import ChunkSelection, taken
from zarrchive.manifests.refusals import problem_of_index, problem_of_reverse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.errors import Problem
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["Pick", "picked"]


class Pick(NamedTuple):
    """What is selected along one axis."""

    numbers: range | npt.NDArray[np.int64]
    """Elements, none negative."""
    label: str
    """What was asked for, for messages."""
    dropped: bool = False
    """Whether the axis goes; a single element is selected then."""


def picked(array: ManifestArray, picks: Sequence[Pick]) -> ManifestArray:
    """Select elements along every axis, orthogonally, as `numpy.ix_` does.

    Whole chunks are taken as they are, also backwards. Other selections cut the chunks, along
    the axis in question and all before it, which is possible where they are not encoded.

    Raises
    ------
    ManifestError
        ``index-misaligned`` or ``reverse-ragged`` where encoded chunks would have to be cut,
        ``cut-too-fine`` where that takes more references than they are worth, ``axis-codecs``
        where codecs do not allow an axis to go.
    """
    turned = [axis for axis, pick in enumerate(picks) if _is_turned_by_codec(array, axis, pick)]
    straight = [
        pick._replace(numbers=pick.numbers[::-1]) if axis in turned else pick
        for axis, pick in enumerate(picks)
    ]
    chunks = [_whole_chunks(array, axis, pick) for axis, pick in enumerate(straight)]
    cuts = [axis for axis, selection in enumerate(chunks) if selection is None]
    if not cuts:
        result = _of_chunks(array, straight, [c for c in chunks if c is not None])
    elif is_raw(array):
        # What is cut into single elements is turned round by taking them backwards.
        turned = [axis for axis in turned if axis > cuts[-1]]
        before, behind = picks[: cuts[-1] + 1], straight[cuts[-1] + 1 :]
        result = cut(array, _pieces(array, [*before, *behind], cuts[-1]))
    else:
        raise ManifestError(_problem(array, cuts[0], picks[cuts[0]]))
    for axis in turned:
        result = reverse(result, axis)
    return without_axes(result, [axis for axis, pick in enumerate(picks) if pick.dropped])


def _is_turned_by_codec(array: ManifestArray, axis: int, pick: Pick) -> bool:
    """Whether whole chunks are wanted backwards."""
    numbers, chunk = pick.numbers, array.chunk_lengths[axis]
    if isinstance(chunk, tuple):
        return False
    if not isinstance(numbers, range) or numbers.step != -1 or chunk == 1 or len(numbers) < 2:
        return False
    return not (numbers[-1] % chunk or len(numbers) % chunk) and can_reverse(array, axis)


def _whole_chunks(array: ManifestArray, axis: int, pick: Pick) -> ChunkSelection | None:
    """Return the chunks that hold exactly what is selected; None if there are none.

    A selection may end within a chunk, because chunks at the edge are stored whole.
    """
    numbers, chunk = pick.numbers, array.chunk_lengths[axis]
    if isinstance(chunk, tuple):
        return _whole_unlike_chunks(array.shape[axis], chunk, pick)
    if not len(numbers):
        return slice(0, 0)
    if isinstance(numbers, np.ndarray):
        firsts = numbers[::chunk]
        expected = np.repeat(firsts, chunk)[: numbers.size] + np.arange(numbers.size) % chunk
        is_whole = not ((firsts % chunk).any() or (expected != numbers).any())
        return firsts // chunk if is_whole else None
    if numbers.step == 1 or len(numbers) == 1:
        start, stop = numbers[0], numbers[-1] + 1
        if start % chunk or (pick.dropped and chunk > 1):
            return None
        return slice(start // chunk, -(-stop // chunk))
    return np.array(numbers) if chunk == 1 else None


def _whole_unlike_chunks(size: int, lengths: tuple[int, ...], pick: Pick) -> slice | None:
    """Do the same along an axis with chunks of unlike length: a run of them, to the end of one."""
    numbers = pick.numbers
    if not len(numbers):
        return slice(0, 0)
    if isinstance(numbers, np.ndarray) or (numbers.step != 1 and len(numbers) > 1):
        return None
    edges = np.concatenate([[0], chunk_ends(size, lengths)])
    first, last = np.searchsorted(edges, [numbers[0], numbers[-1] + 1])
    is_whole = edges[first] == numbers[0] and edges[last] == numbers[-1] + 1
    is_one = last - first == 1 and len(numbers) == 1
    return slice(int(first), int(last)) if is_whole and (is_one or not pick.dropped) else None


def _of_chunks(
    array: ManifestArray, picks: Sequence[Pick], chunks: Sequence[ChunkSelection]
) -> ManifestArray:
    shape = tuple(len(pick.numbers) for pick in picks)
    if shape == array.shape and all(isinstance(selection, slice) for selection in chunks):
        return array
    lengths = [
        _lengths_of(length, selection)
        for length, selection in zip(array.chunk_lengths, chunks, strict=True)
    ]
    metadata = changed_metadata(array.metadata, shape=shape, chunk_lengths=lengths)
    return array.replaced(metadata, taken(array.manifest, chunks))


def _lengths_of(length: int | tuple[int, ...], selection: ChunkSelection) -> int | tuple[int, ...]:
    if isinstance(length, int) or not isinstance(selection, slice):
        return length
    # What has no chunks, or only one, needs no list of their lengths.
    kept = length[selection]
    return kept if len(kept) > 1 else max(kept, default=1)


def _pieces(array: ManifestArray, picks: Sequence[Pick], last: int) -> list[Pieces]:
    """Cut along axis `last`; chunks have length 1 before it, and are whole behind it."""
    pieces = []
    for axis, (pick, chunk) in enumerate(zip(picks, array.chunk_shape, strict=True)):
        numbers, length = pick.numbers, 1
        size = len(numbers)
        if axis > last:
            length = chunk
        elif axis == last and isinstance(numbers, range) and numbers.step == 1:
            length = longest_cut([Run(numbers.start, numbers.stop, chunk)])
        pieces.append(Pieces(numbers[::length], length, size))
    return pieces


def _problem(array: ManifestArray, axis: int, pick: Pick) -> Problem:
    numbers = pick.numbers
    if isinstance(numbers, range) and numbers.step == -1 and len(numbers) == array.shape[axis]:
        return problem_of_reverse(array, axis)
    return problem_of_index(array, axis, pick.label)
