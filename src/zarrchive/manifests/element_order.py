"""In which order chunks store their elements: the codecs that transpose and reverse them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from zarrchive.codecs.reverse import Reverse
from zarrchive.manifests._zarr import chunk_shape_of, codec_documents, see_no_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests._zarr import ArrayV3Metadata

__all__ = ["codecs_in_order", "codecs_reversed", "stored_order"]


def stored_order(metadata: ArrayV3Metadata) -> tuple[int, ...] | None:
    """Return the axes from slowest to fastest, as chunks store their elements.

    None where codecs depend on the axes in another way than Zarr's ``transpose`` does.
    """
    codecs = metadata.codecs
    order = tuple(range(len(metadata.shape)))
    document: Any = codecs[0].to_dict() if codecs else {"name": ""}
    if document["name"] == "transpose":
        order, codecs = tuple(document["configuration"]["order"]), codecs[1:]
    return order if see_no_axes(codecs) else None


def codecs_in_order(
    metadata: ArrayV3Metadata, order: Sequence[int], lengths: Sequence[int | tuple[int, ...]]
) -> list[dict[str, Any]]:
    """Return the codecs of chunks that store the same bytes for other axes.

    Parameters
    ----------
    metadata
        Of an array for which `stored_order` is known.
    order
        The new axes, from slowest to fastest as chunks store them.
    lengths
        Those of chunks along the new axes. Axes of length 1 may stand anywhere: the order is
        that of the axes if possible, else their reverse, which Zarr v2 knows as order F.
    """
    documents = codec_documents(metadata)
    if documents and documents[0]["name"] == "transpose":
        del documents[0]
    plain = tuple(range(len(order)))
    long = tuple(axis for axis in order if lengths[axis] != 1)
    if long == tuple(sorted(long)):
        return documents
    if long == tuple(sorted(long, reverse=True)):
        stored = plain[::-1]
    else:
        stored = (*(axis for axis in plain if lengths[axis] == 1), *long)
    return [{"name": "transpose", "configuration": {"order": stored}}, *documents]


def codecs_reversed(metadata: ArrayV3Metadata, axis: int) -> list[dict[str, Any]] | None:
    """Return the codecs of the same chunks, each read backwards along `axis`.

    None where elements are no bytes of one size in a known order.
    """
    order, documents = stored_order(metadata), codec_documents(metadata)
    first = 1 if documents and documents[0]["name"] == "transpose" else 0
    dtype = metadata.data_type.to_native_dtype()
    if order is None or dtype.hasobject or documents[first]["name"] != "bytes":
        return None
    chunks = chunk_shape_of(metadata)
    nbytes = dtype.itemsize * prod(chunks[i] for i in order[order.index(axis) + 1 :])
    wanted = dict(Reverse(count=chunks[axis], nbytes=nbytes).document)
    head, tail = documents[: first + 1], documents[first + 1 :]
    if wanted in tail:
        tail.remove(wanted)  # twice is not at all
        return head + tail
    # Codecs of several axes may stand in any order: one of them, so that equal ones are equal.
    place = 0
    while place < len(tail) and _is_slower(tail[place], nbytes):
        place += 1
    return [*head, *tail[:place], wanted, *tail[place:]]


def _is_slower(document: dict[str, Any], nbytes: int) -> bool:
    """Whether a codec reverses an axis that varies more slowly."""
    if document["name"] != Reverse.codec_id:
        return False
    return int(document["configuration"]["nbytes"]) > nbytes
