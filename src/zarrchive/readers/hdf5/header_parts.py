"""The messages of an object header, whatever their order and wherever they are.

A library that writes a file cuts headers into blocks as room allows, and messages that grow move
on to the next block. Nothing that is read depends on it: headers with the same messages are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.object_header import (
    CONTINUATION,
    NIL,
    TIMES,
    heads_in,
    read_blocks,
    read_header,
    split,
)
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.watched import Unwatchable, Watched, note_unread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zarrchive.readers.hdf5.file_bytes import FileBytes
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.superblock import Superblock
    from zarrchive.readers.hdf5.watched import Log

__all__ = ["HeaderParts", "Headers", "watched_messages"]

_REPEATED: Final = frozenset({0x06, 0x0C})
"""Kinds of messages of which there are several: links and attributes, which have names."""
_ROOM: Final = 2**64
"""Bytes between the places of two headers: messages are never as long."""

_MOST_FORMS: Final = 8
"""Ways to cut blocks of one length that are remembered; each is tried."""
_MOST_ORDERS: Final = 1024

_Kinds: TypeAlias = tuple[tuple[int, int, int], ...]
"""Kind, flags and bytes of each message."""


class HeaderParts(NamedTuple):
    """The messages of a header, in an order of their own."""

    kinds: _Kinds
    data: bytes
    """Their bodies, one after the other."""


class _Form(NamedTuple):
    """How a block of messages is cut: heads and bodies take turns."""

    cut: Struct
    heads: tuple[bytes, ...]
    """Where they are the same, messages begin and end at the same bytes."""
    kinds: _Kinds
    bodies: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
    continuations: tuple[int, ...]
    n_messages: int


class _Cut(NamedTuple):
    """The messages of one block, as they lie in it."""

    kinds: _Kinds
    bodies: tuple[bytes, ...]


@dataclass(slots=True)
class Headers:
    """The object headers of one file, most of which are cut alike."""

    superblock: Superblock
    data: FileBytes
    _forms: dict[tuple[int, int | None], list[_Form]] = field(default_factory=dict)
    """By bytes of a block, and kind of header."""
    _orders: dict[tuple[_Kinds, ...], tuple[_Kinds, Callable[[list[bytes]], tuple[bytes, ...]]]] = (
        field(default_factory=dict)
    )
    """The order in `HeaderParts`, by the messages of each block. Where messages lie in another
    order that makes the same of them, that is as good: it does not count."""

    def parts(self, address: int) -> HeaderParts | None:
        """Return the messages of the header at `address`; None where there is no sound one."""
        try:
            blocks = run(read_blocks(self.superblock, address, self._cut), self.data)
        except (Trouble, *PARSE_ERRORS):
            return None
        key = tuple([one.kinds for one in blocks])
        bodies = list(chain.from_iterable([one.bodies for one in blocks]))
        known = self._orders.get(key)
        if known is None:
            if len(self._orders) >= _MOST_ORDERS:
                self._orders.clear()
            kinds = list(chain.from_iterable(key))
            order = sorted(range(len(kinds)), key=lambda n: (*kinds[n][:2], bodies[n]))
            known = self._orders[key] = tuple([kinds[n] for n in order]), _taker(order)
        return HeaderParts(known[0], b"".join(known[1](bodies)))

    def _cut(
        self, data: bytes, tracks_order: int | None
    ) -> tuple[tuple[_Cut, ...], tuple[bytes, ...], int]:
        """Cut a block as `split` does, which has seen one of each form."""
        forms = self._forms.setdefault((len(data), tracks_order), [])
        for form in forms:
            pieces = form.cut.unpack(data)
            if pieces[::2] == form.heads:
                break
        else:
            form = _form_of(data, tracks_order)
            forms.insert(0, form)
            del forms[_MOST_FORMS:]
            pieces = form.cut.unpack(data)
        continuations = tuple([pieces[n] for n in form.continuations])
        return (_Cut(form.kinds, form.bodies(pieces)),), continuations, form.n_messages


def watched_messages(
    superblock: Superblock, address: int, data: FileBytes, log: Log
) -> tuple[Message, ...]:
    """Return the messages of a header, watched; their places are those in its `HeaderParts`.

    Raises `Unwatchable` where it would count in which order they are.
    """
    messages = run(read_header(superblock, address), data)
    ordered = sorted(messages)
    single = [one.kind for one in ordered if one.kind not in _REPEATED]
    if len({*single}) != len(single):
        raise Unwatchable("the order of its messages may count")
    # Far behind the end of any file: no place in a header is one in the file.
    start = at = address * _ROOM
    parts = HeaderParts(
        tuple([(one.kind, one.flags, len(one.body)) for one in ordered]),
        b"".join([one.body for one in ordered]),
    )
    log.headers[start] = address, parts
    log.looked_at.append((start, start, start + len(parts.data)))
    bodies = {}
    for one in ordered:
        bodies[one] = Watched(one.body, at, log)
        at += len(one.body)
        if one.kind in TIMES:
            note_unread(bodies[one], 0)
    return tuple(one._replace(body=bodies[one]) for one in messages)


def _form_of(data: bytes, tracks_order: int | None) -> _Form:
    """Return how a block is cut, after `split` found nothing wrong with it."""
    _, _, count = split(data, tracks_order)
    codes, kinds, kept, continuations = [], [], [], []
    for number, (head, kind, flags, nbytes) in enumerate(heads_in(data, tracks_order)):
        codes.append(f"{head}s{nbytes}s")
        body = 2 * number + 1
        if kind == CONTINUATION:
            continuations.append(body)
        elif kind != NIL:
            kinds.append((kind, flags, nbytes))
            kept.append(body)
    form = "<" + "".join(codes)
    cut = Struct(f"{form}{len(data) - Struct(form).size}x")
    heads = cut.unpack(data)[::2]
    return _Form(cut, heads, tuple(kinds), _taker(kept), tuple(continuations), count)


def _taker(numbers: Sequence[int]) -> Callable[[Sequence[bytes]], tuple[bytes, ...]]:
    """Return what takes items of a sequence, as a tuple however many they are."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda items: tuple([items[n] for n in numbers])
