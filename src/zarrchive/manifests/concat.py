"""Joining virtual arrays along an axis, and every reason why some cannot be joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests._zarr import (
    changed_metadata,
    chunk_lengths_of,
    codec_documents,
    same_scalar,
)
from zarrchive.manifests.axes import with_new_axes
from zarrchive.manifests.compare import codecs_decode_alike, decoding_differences
from zarrchive.manifests.cutting import is_empty
from zarrchive.manifests.element_order import stored_order
from zarrchive.manifests.joint_codecs import joint_codecs
from zarrchive.manifests.naming import axis_name, codec_label, files_of, hint_to_load, shortened
from zarrchive.manifests.rearrange import joined
from zarrchive.manifests.rectilinear import (
    ends_within_chunk,
    joined_lengths,
    line_up,
    with_common_lengths,
)
from zarrchive.manifests.refusals import problem_of_rank
from zarrchive.manifests.splitting import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = [
    "concatenate",
    "problems_of_concat",
    "problems_of_dtype",
    "problems_of_stack",
    "stack",
    "with_unlike_metadata",
]


def concatenate(arrays: Sequence[ManifestArray], *, axis: int) -> ManifestArray:
    """Join arrays along an existing axis by joining their chunk manifests.

    No chunk is read; the result refers to the same bytes as the inputs. Metadata that does
    not matter for the values (attributes, compression level) is that of the first array. Where
    chunks of some arrays skipped a filter, the codecs are those that tell them apart. Arrays
    without any stored chunk fit to all others of their data type.

    Parameters
    ----------
    arrays
        At least one array. All but the last must fill whole chunks along `axis`, which have
        one length; the chunks of uncompressed arrays are cut so that it is so.
    axis
        Axis to join along; negative counts from the end.

    Raises
    ------
    ManifestError
        With all problems that `problems_of_concat` lists.
    """
    kinds: Sequence[ManifestArray] | None = _kinds_that_fit(arrays, axis)
    if kinds is None:
        if problems := problems_of_concat(arrays, axis=axis):
            raise ManifestError(*problems)
        axis %= arrays[0].ndim
        arrays = kinds = aligned(_with_one_codec(with_common_lengths(arrays, axis)), axis)
    axis %= arrays[0].ndim
    shape = list(arrays[0].shape)
    shape[axis] = sum([array.metadata.shape[axis] for array in arrays])
    metadata = changed_metadata(
        arrays[0].metadata,
        shape=shape,
        chunk_lengths=joined_lengths(kinds, axis),
        fill_value=_fill_value(kinds),
        codecs=joint_codecs(kinds),
    )
    return arrays[0].replaced(metadata, joined([array.manifest for array in arrays], axis))


def _kinds_that_fit(arrays: Sequence[ManifestArray], axis: int) -> list[ManifestArray] | None:
    """Return arrays that stand for all in what metadata say, if they fit together as they are.

    The files of a series share their metadata. None where there is more to look at: arrays
    without any chunk, unlike chunks, codecs or fill values, which depend on manifests.
    """
    kinds = with_unlike_metadata(arrays[:-1])
    if not 0 < 2 * len(kinds) <= len(arrays) or any(map(is_empty, arrays)):
        return None
    first = kinds[0]
    mine = first.metadata
    if not first.is_regular or not -first.ndim <= axis < first.ndim:
        return None
    kinds.append(arrays[-1])  # which alone may end within a chunk
    is_simple = all(
        array.chunk_lengths == first.chunk_lengths
        and codecs_decode_alike(mine, array.metadata)
        and same_scalar(array.metadata.fill_value, mine.fill_value)
        for array in kinds
    )
    if not is_simple or any(ends_within_chunk(array, axis) for array in kinds[:-1]):
        return None
    return None if problems_of_concat(kinds, axis=axis) else kinds


def with_unlike_metadata(arrays: Sequence[ManifestArray]) -> list[ManifestArray]:
    """Return the first array of each metadata object, in their order."""
    keys = [id(array.metadata) for array in arrays]
    firsts = dict(zip(reversed(keys), reversed(arrays), strict=True))
    return [firsts[key] for key in dict.fromkeys(keys)]


def stack(arrays: Sequence[ManifestArray], *, axis: int) -> ManifestArray:
    """Join arrays of one shape along a new axis, one chunk an array.

    Parameters
    ----------
    arrays
        At least one array.
    axis
        Position of the new axis in the result; negative counts from the end.

    Raises
    ------
    ManifestError
        With all problems that `problems_of_stack` lists.
    """
    if problems := problems_of_stack(arrays, axis=axis):
        raise ManifestError(*problems)
    arrays = aligned(_with_one_codec(arrays), None)
    first = arrays[0]
    axis %= first.ndim + 1
    joint = changed_metadata(
        first.metadata, fill_value=_fill_value(arrays), codecs=joint_codecs(arrays)
    )
    one = with_new_axes(first.replaced(joint, first.manifest), [axis])
    shape = (*first.shape[:axis], len(arrays), *first.shape[axis:])
    manifest = joined([array.manifest for array in arrays], axis, as_new_axis=True)
    return first.replaced(changed_metadata(one.metadata, shape=shape), manifest)


def _with_one_codec(arrays: Sequence[ManifestArray]) -> Sequence[ManifestArray]:
    """Give arrays without any stored chunk the codecs of those that have some."""
    stored = next((array for array in arrays if not is_empty(array)), None)
    if stored is None or not any(map(is_empty, arrays)):
        return arrays
    codecs = codec_documents(stored.metadata)
    return [
        array.replaced(changed_metadata(array.metadata, codecs=codecs), array.manifest)
        if is_empty(array) and array.ndim == stored.ndim and array.dtype == stored.dtype
        else array
        for array in arrays
    ]


def problems_of_concat(arrays: Sequence[ManifestArray], *, axis: int) -> list[Problem]:
    """Return every reason why `concatenate` would refuse; equal reasons are one Problem.

    Codes: ``concat-empty``, ``concat-axis``, ``concat-rank``, ``concat-dtype``,
    ``concat-codecs``, ``concat-chunks``, ``concat-shape``, ``concat-fill-value``,
    ``concat-attributes``, ``concat-ragged``.
    """
    if not arrays:
        return [_nothing()]
    if not -arrays[0].ndim <= axis < arrays[0].ndim:
        return [_no_axis(arrays[0], axis, arrays[0].ndim)]
    axis %= arrays[0].ndim
    arrays = with_common_lengths(arrays, axis)
    differences = _differences(arrays, axis)
    for array in arrays[:-1] if not differences.lines_up else ():
        if array.ndim == arrays[0].ndim and ends_within_chunk(array, axis):
            _note_ragged(differences, array, axis)
    differences.note_fill_values(arrays)
    return list(differences.problems())


def problems_of_stack(arrays: Sequence[ManifestArray], *, axis: int) -> list[Problem]:
    """Return every reason why `stack` would refuse; codes as in `problems_of_concat`.

    In addition ``axis-codecs``, where a codec depends on the number of axes.
    """
    if not arrays:
        return [_nothing()]
    first = arrays[0]
    if not -first.ndim - 1 <= axis <= first.ndim:
        return [_no_axis(first, axis, first.ndim + 1)]
    if stored_order(first.metadata) is None:
        return [problem_of_rank(first, "a new axis")]
    differences = _differences(arrays, None)
    differences.note_fill_values(arrays)
    return list(differences.problems())


def _differences(arrays: Sequence[ManifestArray], axis: int | None) -> _Differences:
    arrays = _with_one_codec(arrays)
    differences = _Differences(
        arrays[0],
        has_joint_codecs=joint_codecs(arrays) is not None,
        lines_up=line_up(arrays, axis),
    )
    for array in arrays[1:]:
        _compare(differences, array, axis)
    return differences


def problems_of_dtype(arrays: Sequence[ManifestArray]) -> list[Problem]:
    """Return ``concat-dtype`` for arrays whose data type is not that of the first one."""
    differences = _Differences(arrays[0])
    for array in arrays[1:]:
        _compare_dtype(differences, array)
    return list(differences.problems())


@dataclass(slots=True)
class _Differences:
    """Differences from the first array: equal ones are counted, not repeated."""

    first: ManifestArray
    has_joint_codecs: bool = False
    """Whether one chain of codecs decodes the chunks of all arrays."""
    lines_up: bool = False
    """Whether there is one chunk grid for all arrays, as they are or cut."""
    found: dict[tuple[str, str], list[ManifestArray]] = field(default_factory=dict)

    def note(self, code: str, what: str, array: ManifestArray) -> None:
        """Record that `array` differs; the sentence `what` goes on with the name of its file."""
        self.found.setdefault((code, what), []).append(array)

    def note_fill_values(self, arrays: Sequence[ManifestArray]) -> None:
        """Compare what missing chunks read as; it does not matter for arrays that have none."""
        mine = self.first.metadata.fill_value
        others = (one.metadata for one in arrays[1:] if one.metadata is not self.first.metadata)
        if all(same_scalar(metadata.fill_value, mine) for metadata in others):
            return
        unwritten = [array for array in arrays if array.manifest.nstored < array.manifest.size]
        for array in unwritten[1:]:
            values = [a.metadata.fill_value for a in (unwritten[0], array)]
            if not same_scalar(*values):
                what = (
                    f"chunks that are not stored read as {values[0]} in {files_of(unwritten[0])} "
                    f"but as {values[1]}"
                )
                self.note("concat-fill-value", what, array)

    def problems(self) -> Iterator[Problem]:
        for (code, what), arrays in self.found.items():
            file = files_of(arrays[0])
            if len(arrays) > 1:
                file += f" and {len(arrays) - 1} more"
            yield Problem(
                code=code,
                where=file,
                what=f"{what} in {file}",
                hint=hint_to_load(arrays[0]),
                variable=self.first.name or arrays[0].name,
            )


def _compare(differences: _Differences, array: ManifestArray, axis: int | None) -> None:
    """Note where `array` differs from the first one; shapes may differ along `axis`."""
    first = differences.first
    if array.metadata is first.metadata:
        return  # files that were read alike share it
    if array.ndim != first.ndim:
        _note(differences, array, "concat-rank", "dimensions are", first.shape, array.shape)
        return
    mine, theirs = first.metadata, array.metadata
    has_dtype = _compare_dtype(differences, array)
    if has_dtype and not (differences.has_joint_codecs or codecs_decode_alike(mine, theirs)):
        labels = [
            ", ".join(map(codec_label, codec_documents(metadata))) for metadata in (mine, theirs)
        ]
        _note(differences, array, "concat-codecs", "codecs are", *labels)
    chunks = [chunk_lengths_of(metadata) for metadata in (mine, theirs)]
    if chunks[0] != chunks[1] and not differences.lines_up:
        texts = [shortened(str(lengths)) for lengths in chunks]
        _note(differences, array, "concat-chunks", "chunks are", *texts)
    if mine.shape != theirs.shape:
        _compare_sides(differences, array, axis)
    for name in decoding_differences(mine.attributes, theirs.attributes):
        values = [_attribute(metadata.attributes, name) for metadata in (mine, theirs)]
        _note(differences, array, "concat-attributes", f"attribute {name} is", *values)


def _compare_dtype(differences: _Differences, array: ManifestArray) -> bool:
    """Note a difference of data types, byte order included; return whether there is none."""
    mine, theirs = differences.first, array
    # The same object for all arrays of a type that this process has made.
    if mine.metadata.data_type is theirs.metadata.data_type or mine.dtype == theirs.dtype:
        return True
    dtypes = (mine.dtype.str, theirs.dtype.str)
    _note(differences, array, "concat-dtype", "the data type is", *dtypes)
    return False


def _compare_sides(differences: _Differences, array: ManifestArray, axis: int | None) -> None:
    sides = [
        tuple(size for i, size in enumerate(shape) if i != axis)
        for shape in (differences.first.shape, array.shape)
    ]
    if sides[0] != sides[1]:
        beside = "" if axis is None else f" beside {axis_name(array, axis)}"
        _note(differences, array, "concat-shape", f"the shape{beside} is", *sides)


def _note(
    differences: _Differences, array: ManifestArray, code: str, what: str, *values: object
) -> None:
    file = files_of(differences.first)
    differences.note(code, f"{what} {values[0]} in {file} but {values[1]}", array)


def _attribute(attributes: Any, name: str) -> str:  # noqa: ANN401 - a mapping of any values
    if name not in attributes:
        return "absent"
    value = np.asarray(attributes[name])
    text = shortened(str(attributes[name]))
    return f"{text} ({value.dtype})" if value.dtype.kind in "iufc" else repr(text)


def _note_ragged(differences: _Differences, array: ManifestArray, axis: int) -> None:
    length, chunk = array.shape[axis], array.chunk_lengths[axis]
    what = (
        f"another array follows, but {length} elements along {axis_name(array, axis)} are not a "
        f"whole number of chunks of {chunk}"
    )
    differences.note("concat-ragged", what, array)


def _fill_value(arrays: Sequence[ManifestArray]) -> object:
    """Return what missing chunks read as: that of the first array that has such chunks."""
    mine = arrays[0].metadata.fill_value
    if all(same_scalar(array.metadata.fill_value, mine) for array in arrays[1:]):
        return mine
    for array in arrays:
        if array.manifest.nstored < prod(array.manifest.grid_shape):
            return array.metadata.fill_value
    return mine


def _nothing() -> Problem:
    return Problem(
        code="concat-empty",
        where="concatenate",
        what="there are 0 arrays to join, at least 1 is needed",
        hint="check the list of files, or the pattern that found them",
    )


def _no_axis(array: ManifestArray, axis: int, rank: int) -> Problem:
    return Problem(
        code="concat-axis",
        where=files_of(array),
        what=f"axis {axis} does not exist among {rank}",
        hint="name a dimension of the variable",
        variable=array.name,
    )
