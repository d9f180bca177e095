"""Chunks of one dataset that skipped different filters, under one chain of codecs.

HDF5 notes with each chunk which filters of the pipeline it skipped (specification §III.A.1,
filter mask). Optional filters skip chunks that they cannot make smaller, as a matter of course.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from zarrchive.codecs.filter_codec import CannotEncodeError
from zarrchive.codecs.hdf5 import decode, encode
from zarrchive.codecs.skipped import stored_length, told_by_length
from zarrchive.errors import ZarrchiveError
from zarrchive.readers.hdf5.pipeline import codecs_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.limits import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.readers.hdf5.pipeline import Filter

__all__ = ["OneChain", "one_chain", "transcoded"]

_NONE: Final = np.zeros(0, dtype=np.intp)
_MOST_MASKS: Final = 64
_HINT: Final = "name it in loadable_variables, or write the file again with h5repack"


@dataclass(frozen=True, slots=True)
class OneChain:
    """Codecs for all chunks of a dataset but some."""

    codecs: tuple[CodecDocument, ...]
    """In the order of HDF5's pipeline."""
    odd: npt.NDArray[np.intp]
    """Rows of the chunks that these codecs do not decode as they are stored."""
    own: tuple[tuple[CodecDocument, ...], ...]
    """The codecs of each odd chunk."""


class _Candidate(NamedTuple):
    codecs: tuple[CodecDocument, ...]
    odd: npt.NDArray[np.intp]


def one_chain(
    filters: tuple[Filter, ...],
    masks: npt.NDArray[np.uint32] | None,
    lengths: npt.NDArray[np.uint32] | npt.NDArray[np.uint64],
    chunk_nbytes: int,
) -> OneChain | Reason:
    """Find one chain of codecs for chunks that may have skipped filters.

    Where few bytes are at stake it is that of most chunks, and the odd ones have to be encoded
    anew: any software can read that. Else it is one that tells chunks apart by their length,
    which needs a codec of this package and nothing else.

    Parameters
    ----------
    filters
        The pipeline, in the order of writing.
    masks
        Of each chunk: bit i is set where filter i was skipped. None: no chunk skipped any.
    lengths
        Stored bytes of each chunk.
    chunk_nbytes
        Bytes of a decoded chunk.

    Returns
    -------
    OneChain or Reason
        A Reason where a filter has no codec, chunks have another length than they must have,
        or odd chunks are too many to be inlined.
    """
    if masks is None:
        codecs = codecs_of(filters, 0, chunk_nbytes)
        reason = codecs if isinstance(codecs, Reason) else None
        reason = reason or _wrong_length(codecs, lengths, chunk_nbytes)  # type: ignore[arg-type]
        return reason or OneChain(codecs, _NONE, ())  # type: ignore[arg-type]
    masks = masks & np.uint32((1 << len(filters)) - 1)
    different = _masks_by_use(masks)
    if len(different) > _MOST_MASKS:
        return _damaged(f"its chunks have {len(different)} different filter masks")
    chains: dict[int, tuple[CodecDocument, ...]] = {}
    for mask in different:
        codecs = codecs_of(filters, mask, chunk_nbytes)
        if isinstance(codecs, Reason):
            return codecs
        if reason := _wrong_length(codecs, lengths[masks == mask], chunk_nbytes):
            return reason
        chains[mask] = codecs
    best = _Candidate(chains[different[0]], np.flatnonzero(masks != different[0]))
    is_small = best.odd.size * chunk_nbytes <= SMALL
    if best.odd.size and not (is_small and _is_common(best.codecs)):
        others = _told_apart(chains, masks, lengths, chunk_nbytes)
        best = min([best, *others], key=lambda candidate: candidate.odd.size)
    if best.odd.size * chunk_nbytes > SMALL:
        return _too_many(best.odd.size, masks, chunk_nbytes)
    return OneChain(*best, tuple(chains[mask] for mask in masks[best.odd].tolist()))


def transcoded(chain: OneChain, stored: Sequence[bytes], chunk_nbytes: int) -> list[bytes] | Reason:
    """Encode the odd chunks as the others are.

    Parameters
    ----------
    chain
        What `one_chain` returned.
    stored
        Stored bytes of each of its odd chunks.
    chunk_nbytes
        Bytes of a decoded chunk.

    Raises
    ------
    ValueError
        Where they are damaged.
    """
    blobs = []
    for codecs, data in zip(chain.own, stored, strict=True):
        try:
            decoded = decode(codecs, data)
            if len(decoded) != chunk_nbytes:
                return _damaged(f"a chunk decodes to {len(decoded)} bytes, not to {chunk_nbytes}")
            blobs.append(encode(chain.codecs, decoded))
        except CannotEncodeError as error:
            what = f"some chunks skipped other filters than the rest, and {error}"
            return Reason("hdf5-filter-mask", what, _HINT)
        except ZarrchiveError as error:
            return Reason(error.problem.code, error.problem.what, error.problem.hint)
    return blobs


def _masks_by_use(masks: npt.NDArray[np.uint32]) -> list[int]:
    """Return the different filter masks, the most frequent one first."""
    if not masks.any():
        return [0]
    values, counts = np.unique(masks, return_counts=True)
    return [int(value) for value in values[np.argsort(-counts, kind="stable")]]


def _is_common(codecs: Sequence[CodecDocument]) -> bool:
    """Whether other software reads these codecs without this package."""
    return not any(codec["name"].startswith("zarrchive.") for codec in codecs)


def _told_apart(
    chains: Mapping[int, tuple[CodecDocument, ...]],
    masks: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.uint32] | npt.NDArray[np.uint64],
    chunk_nbytes: int,
) -> Iterator[_Candidate]:
    """Yield every chain that decodes the chunks of two masks, told apart by their length."""
    for applied, codecs in chains.items():
        for skipped, others in chains.items():
            told = told_by_length(codecs, others, chunk_nbytes)
            if told is not None:
                is_raw = lengths == told.raw_length
                fits = ((masks == skipped) & is_raw) | ((masks == applied) & ~is_raw)
                yield _Candidate(told.codecs, np.flatnonzero(~fits))


def _wrong_length(
    codecs: Sequence[CodecDocument],
    lengths: npt.NDArray[np.uint32] | npt.NDArray[np.uint64],
    chunk_nbytes: int,
) -> Reason | None:
    expected = stored_length(codecs, chunk_nbytes)
    if expected is None or not lengths.size:
        return None
    told = lengths if lengths.strides[0] else lengths[:1]  # many, or one number for all
    least, most = int(told.min()), int(told.max())
    if least == most == expected:
        return None
    wrong = least if least != expected else most
    return _damaged(f"a chunk takes {expected} bytes, but {wrong} are stored")


def _damaged(what: str) -> Reason:
    hint = "compare the file with the original; its chunks or their index are damaged"
    return Reason(code="hdf5-damaged", what=what, hint=hint)


def _too_many(count: int, masks: npt.NDArray[np.uint32], chunk_nbytes: int) -> Reason:
    return Reason(
        code="hdf5-filter-mask",
        what=f"{count} of {len(masks)} chunks skipped other filters than the rest "
        f"(their masks are {np.unique(masks).tolist()}), and their length does not tell them "
        f"apart; up to {SMALL} bytes of such chunks are inlined, these take {count * chunk_nbytes}",
        hint=_HINT,
    )
