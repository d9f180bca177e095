"""What a parser asks of a file, and how parsers run side by side.

A parser is a generator: it yields what it needs of the file and is sent the bytes. It never
reads by itself, so that everything that many parsers need next is fetched in one round, which
is what a file behind a network is paid for.
"""

from __future__ import annotations

from collections.abc import Generator
from struct import error as StructError  # noqa: N812 - the struct module calls it error
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "PARSE_ERRORS",
    "Bytes",
    "Damaged",
    "Many",
    "NotUnderstood",
    "Request",
    "Rows",
    "Steps",
    "Table",
    "Trouble",
    "Upto",
    "all_of",
    "together",
    "unknown",
]

T = TypeVar("T")


class Trouble(Exception):  # noqa: N818 - the base of two kinds, never raised itself
    """A structure of the file that could not be read here; the text says which, and why."""


class Damaged(Trouble):
    """The bytes contradict the format."""


class NotUnderstood(Trouble):
    """A legal structure that is left to h5py."""


PARSE_ERRORS: Final = (StructError, IndexError, ValueError, OverflowError, MemoryError)
"""What parsing raises on bytes that are not what they should be, beside `Trouble`."""


_KNOWN_HERE: Final = (2, 0)
"""The newest HDF5 all of whose structures are known here."""


def unknown(what: str) -> Trouble:
    """Return what to raise at a version or a kind of structure that HDF5 2.0 does not have.

    A newer library may know it. To others it is damage, and they may crash on what is behind.
    """
    import h5py

    if h5py.version.hdf5_version_tuple[:2] > _KNOWN_HERE:
        return NotUnderstood(what)
    return Damaged(f"{what}, which HDF5 does not have")


class Bytes(NamedTuple):
    """Exactly these bytes of the file; the answer is `bytes`."""

    offset: int
    length: int


class Upto(NamedTuple):
    """These bytes, or fewer at the end of the file; the answer is `bytes`, never empty."""

    offset: int
    length: int


class Table(NamedTuple):
    """Many structures of one length; the answer is `Rows`."""

    offsets: npt.NDArray[np.int64]
    length: int


class Many(NamedTuple):
    """Several requests at once; the answer is a list, with a `Damaged` for what is not there."""

    requests: list[Request]


Request: TypeAlias = "Bytes | Upto | Table | Many"
Steps: TypeAlias = Generator[Request, Any, T]
"""A parser that returns a T."""


class Rows(Protocol):
    """Structures of one length, copied together block by block."""

    def block(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Return rows `start` to `stop` as an array of shape (rows, length)."""

    def __len__(self) -> int: ...


def together(parts: Iterable[Steps[T]]) -> Steps[list[T | Trouble]]:
    """Run parsers side by side; what all of them need next is one request.

    Returns, in their order, what each returned, or the `Trouble` that it ran into.
    """
    running = list(parts)
    results: list[Any] = [None] * len(running)
    waiting: list[int] = []
    requests: list[Request] = []
    answers: list[Any] = [None] * len(running)
    order: Iterable[int] = range(len(running))
    while True:
        for number, answer in zip(order, answers, strict=True):
            part = running[number]
            try:
                request = part.throw(answer) if isinstance(answer, Trouble) else part.send(answer)
            except StopIteration as stop:
                results[number] = stop.value
            except Trouble as trouble:
                results[number] = trouble
            except PARSE_ERRORS as error:
                results[number] = Damaged(f"{type(error).__name__}: {error}")
            else:
                waiting.append(number)
                requests.append(request)
        if not waiting:
            return results
        answers = yield Many(requests)
        order, waiting, requests = waiting, [], []


def all_of(parts: Iterable[Steps[T]]) -> Steps[list[T]]:
    """Run parsers side by side that are of no use without one another.

    Raises the `Trouble` of the first that ran into one.
    """
    results = yield from together(parts)
    found: list[T] = []
    for result in results:
        if isinstance(result, Trouble):
            raise result
        found.append(result)
    return found
