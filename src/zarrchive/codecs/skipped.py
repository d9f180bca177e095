"""One chain of codecs for chunks of which some skipped a filter, told apart by their length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.codecs.by_length import UnlessRaw
from zarrchive.codecs.hdf5 import Size, numcodec, size_behind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from zarrchive.codecs.filter_codec import CodecDocument

__all__ = ["ToldByLength", "configurations", "stored_length", "told_by_length", "told_in"]

_ENCODER_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "zlib": frozenset({"level"}),
    "bz2": frozenset({"level"}),
    "zstd": frozenset({"level", "checksum"}),
    "blosc": frozenset({"cname", "clevel", "shuffle", "blocksize", "typesize"}),
}
"""Settings that decoding does not need; without them, files of any level have one chain."""


class ToldByLength(NamedTuple):
    """A chain that decodes two kinds of chunks."""

    codecs: tuple[CodecDocument, ...]
    raw_length: int
    """Stored bytes of the chunks that skipped filters; no other chunk may have as many."""
    applied: tuple[Mapping[str, Any], ...]
    """What decodes the other chunks: numcodecs configurations."""
    skipped: tuple[Mapping[str, Any], ...]
    """What decodes the chunks that skipped filters."""

    def decodes(self, codecs: Sequence[CodecDocument], lengths: npt.NDArray[Any]) -> bool:
        """Whether it decodes chunks that `codecs` encoded, which have these stored lengths."""
        wanted = configurations(codecs)
        is_raw = lengths == np.uint64(self.raw_length)
        return (
            wanted == configurations(self.codecs)
            or (wanted == self.applied and not is_raw.any())
            or (wanted == self.skipped and bool(is_raw.all()))
        )


def told_by_length(
    applied: Sequence[CodecDocument], skipped: Sequence[CodecDocument], nbytes: int
) -> ToldByLength | None:
    """Return the chain for chunks that `applied` encoded, and others that `skipped` did.

    None where there is none: where `skipped` is not `applied` without some codecs beside one
    another, or the length of what it encodes depends on the data.

    Parameters
    ----------
    applied, skipped
        Codecs in the order of encoding.
    nbytes
        Size of a decoded chunk.
    """
    first = _common(applied, skipped)
    last = _common(applied[first:][::-1], skipped[first:][::-1])
    left_out = applied[first : len(applied) - last]
    before = stored_length(skipped[:first], nbytes)
    if not left_out or len(skipped) != first + last or before is None:
        return None
    codec = UnlessRaw(nbytes=before, codecs=configurations(left_out))
    return told_in((*applied[:first], codec.document, *applied[len(applied) - last :]), nbytes)


def told_in(codecs: Sequence[CodecDocument], nbytes: int) -> ToldByLength | None:
    """Return what a chain decodes that tells chunks of `nbytes` bytes apart by their length.

    None where it does not.
    """
    names = [codec["name"] for codec in codecs]
    if names.count(UnlessRaw.codec_id) != 1:
        return None
    place = names.index(UnlessRaw.codec_id)
    before, behind = codecs[:place], codecs[place + 1 :]
    raw_length = stored_length((*before, *behind), nbytes)
    if raw_length is None:
        return None
    inner = tuple(codecs[place]["configuration"]["codecs"])
    first, last = configurations(before), configurations(behind)
    return ToldByLength(tuple(codecs), raw_length, (*first, *inner, *last), (*first, *last))


def stored_length(codecs: Sequence[CodecDocument], nbytes: int) -> int | None:
    """Return how many bytes chunks of `nbytes` have once encoded, if all have as many."""
    size = Size(nbytes)
    for codec in codecs:
        size = size_behind(codec, size)
    return size.nbytes if size.is_exact else None


def configurations(codecs: Sequence[CodecDocument]) -> tuple[dict[str, Any], ...]:
    """Return what numcodecs needs to decode."""
    return tuple(map(_configuration, codecs))


def _common(left: Sequence[CodecDocument], right: Sequence[CodecDocument]) -> int:
    """Return how many codecs two chains begin with in common."""
    count = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _configuration(document: CodecDocument) -> dict[str, Any]:
    configuration = numcodec(document).get_config()
    ignored = _ENCODER_ONLY.get(configuration["id"], frozenset())
    return {key: value for key, value in configuration.items() if key not in ignored}
