"""A read-only zarr Store over a ManifestGroup: data can be looked at before any export."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NoReturn
from weakref import finalize

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)

from zarrchive.errors import ManifestError, Problem
from zarrchive.location.source import ByteRange
from zarrchive.manifests._zarr import allow_rectilinear, array_document
from zarrchive.manifests.attributes import encode_attributes
from zarrchive.manifests.chunk_keys import DOCUMENT, NodeKey, chunk_names, locate, node_keys
from zarrchive.manifests.chunk_manifest import InlineChunk
from zarrchive.manifests.source_pool import SourcePool, Verify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from zarr.abc.buffer import Buffer, BufferPrototype

    from zarrchive.location.identity import SourceFile
    from zarrchive.manifests.hierarchy import ManifestGroup

__all__ = ["ManifestStore"]

_LIST_BLOCK: Final = 4096
"""Keys listed between two chances for other tasks of the event loop."""


class _Stored(NamedTuple):
    """The bytes of one key: in memory, or a range of a file."""

    length: int
    data: bytes | None = None
    file: SourceFile | None = None
    offset: int = 0

    def clipped(self, request: ByteRequest | None) -> tuple[int, int]:
        """Return start and stop of a request within the value; requests may pass its end."""
        if request is None:
            return 0, self.length
        if isinstance(request, RangeByteRequest):
            start, stop = request.start, request.end
        elif isinstance(request, OffsetByteRequest):
            start, stop = request.offset, self.length
        elif isinstance(request, SuffixByteRequest):
            start, stop = self.length - request.suffix, self.length
        else:
            raise TypeError(f"not a byte request: {request!r}")
        start = min(max(start, 0), self.length)
        return start, max(start, min(stop, self.length))


class ManifestStore(Store):
    """Serves any `ManifestGroup`, of one file or a combined one, to zarr and xarray.

    Metadata is made on request, chunks are read from the source files by worker threads.
    Pickles by its group, so that Dask workers may use it.

    Parameters
    ----------
    group
        The hierarchy to serve.
    storage_options
        What the file systems of the source files need, as fsspec takes it.
    verify
        ``"first"`` compares each file with its identity at the scan before its first byte is
        used; ``"off"`` trusts it.

    Raises
    ------
    StaleSourceError
        On reading: ``source-changed`` names a file that is not the one that was scanned.
    LocationError
        On reading: a file is missing, cannot be read, or is too short.
    """

    def __init__(
        self,
        group: ManifestGroup,
        *,
        storage_options: Mapping[str, Any] | None = None,
        verify: Verify = "first",
    ) -> None:
        super().__init__(read_only=True)
        self._group = group
        self._storage_options = storage_options
        self._verify: Verify = verify
        self._pool = SourcePool(storage_options=storage_options, verify=verify)
        self._closer = finalize(self, self._pool.close)
        self._is_open = True

    @property
    def group(self) -> ManifestGroup:
        """The hierarchy that is served."""
        return self._group

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_deletes(self) -> bool:
        return False

    @property
    def supports_listing(self) -> bool:
        return True

    @property
    def supports_partial_writes(self) -> Literal[False]:
        return False

    @property
    def supports_consolidated_metadata(self) -> bool:
        return False

    def with_read_only(self, read_only: bool = False) -> Store:  # noqa: FBT001, FBT002 - zarr's signature
        """Return an equal store; a writeable one does not exist."""
        if not read_only:
            self._refuse("opening for writing")
        return ManifestStore(
            self._group, storage_options=self._storage_options, verify=self._verify
        )

    def close(self) -> None:
        """Close the source files; they are opened again where they are needed again."""
        super().close()
        self._pool.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ManifestStore) and (
            (self._verify, self._storage_options) == (other._verify, other._storage_options)
            and self._group == other._group
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # The pool holds locks and open files; a copy makes its own.
        return _store, (self._group, self._storage_options, self._verify)

    def __repr__(self) -> str:
        arrays, groups = len(self._group.arrays), len(self._group.groups)
        return f"<ManifestStore: {arrays} arrays, {groups} groups at the root>"

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the value of a key, or the part of it that was asked for; None if absent."""
        stored = self._find(key)
        if stored is None:
            return None
        start, stop = stored.clipped(byte_range)
        if stored.data is not None:
            return prototype.buffer.from_bytes(stored.data[start:stop])
        assert stored.file is not None  # noqa: S101 - a value is in memory or in a file
        wanted = ByteRange(stored.offset + start, stop - start)
        (data,) = await asyncio.to_thread(self._pool.read, stored.file, [wanted])
        return prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return many values or parts of values, in order; one batch of reads a file."""
        values: list[Buffer | None] = []
        wanted: dict[SourceFile, list[tuple[int, ByteRange]]] = {}
        for at, (key, byte_range) in enumerate(key_ranges):
            values.append(None)
            stored = self._find(key)
            if stored is None:
                continue
            start, stop = stored.clipped(byte_range)
            if stored.data is not None:
                values[at] = prototype.buffer.from_bytes(stored.data[start:stop])
            elif stored.file is not None:
                place = ByteRange(stored.offset + start, stop - start)
                wanted.setdefault(stored.file, []).append((at, place))
        batches = [
            asyncio.to_thread(self._pool.read, file, [place for _, place in places])
            for file, places in wanted.items()
        ]
        for places, parts in zip(wanted.values(), await asyncio.gather(*batches), strict=True):
            for (at, _), part in zip(places, parts, strict=True):
                values[at] = prototype.buffer.from_bytes(part)
        return values

    async def exists(self, key: str) -> bool:
        """Whether a key has a value; reads nothing."""
        return self._find(key) is not None

    async def getsize(self, key: str) -> int:
        """Return the size of a value in bytes; reads nothing.

        Raises
        ------
        FileNotFoundError
            If there is no such key.
        """
        stored = self._find(key)
        if stored is None:
            raise FileNotFoundError(key)
        return stored.length

    async def list(self) -> AsyncIterator[str]:
        """List every key: parents first, chunks in C order."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """List the keys that begin with `prefix`."""
        for count, key in enumerate(node_keys(self._group, prefix)):
            if count % _LIST_BLOCK == _LIST_BLOCK - 1:
                await asyncio.sleep(0)
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """List the names directly below `prefix`; a grid is never listed as a whole."""
        for name in self._names_below(prefix.strip("/")):
            yield name

    async def set(self, key: str, value: Buffer) -> None:  # noqa: ARG002 - zarr's signature
        """Raise `ManifestError` ``store-read-only``."""
        self._refuse(f"writing {key}")

    async def delete(self, key: str) -> None:
        """Raise `ManifestError` ``store-read-only``."""
        self._refuse(f"deleting {key}")

    async def delete_dir(self, prefix: str) -> None:
        """Raise `ManifestError` ``store-read-only``."""
        self._refuse(f"deleting {prefix}")

    async def clear(self) -> None:
        """Raise `ManifestError` ``store-read-only``."""
        self._refuse("deleting everything")

    def _names_below(self, prefix: str) -> Iterator[str]:
        node = locate(self._group, prefix)
        if node is None or node.document:
            return
        if node.array is None:
            yield from (DOCUMENT, *node.group.groups, *node.group.arrays)
        elif node.chunk is None:
            yield DOCUMENT
            if node.array.manifest.nstored:
                yield "c"
        else:
            yield from chunk_names(node.array.manifest, node.chunk)

    def _find(self, key: str) -> _Stored | None:
        node = locate(self._group, key)
        if node is None:
            return None
        if node.document:
            data = _document(node)
            return _Stored(len(data), data)
        if node.array is None or node.chunk is None or len(node.chunk) != node.array.ndim:
            return None
        entry = node.array.manifest[node.chunk]
        if entry is None:
            return None
        if isinstance(entry, InlineChunk):
            return _Stored(len(entry.data), entry.data)
        file = node.array.manifest.file_of(node.chunk)
        return _Stored(entry.length, file=file, offset=entry.offset)

    def _refuse(self, operation: str) -> NoReturn:
        raise ManifestError(
            Problem(
                code="store-read-only",
                where="ManifestStore",
                what=f"{operation} is not possible: the files that it refers to stay as they are",
                hint="export the dataset, for example by ds.virtual.to_kerchunk(path)",
            )
        )


def _store(
    group: ManifestGroup, storage_options: Mapping[str, Any] | None, verify: Verify
) -> ManifestStore:
    return ManifestStore(group, storage_options=storage_options, verify=verify)


def _document(node: NodeKey) -> bytes:
    """Return ``zarr.json`` of a group or an array; what JSON cannot hold is left out."""
    if node.array is None:
        attributes = encode_attributes(node.group.attributes).values
        document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    else:
        attributes = encode_attributes(node.array.attributes, node.array.dtype).values
        if not node.array.is_regular:
            allow_rectilinear()
        try:
            document = array_document(node.array.metadata, attributes)
        except (ValueError, TypeError) as error:
            raise ManifestError(
                Problem(
                    code="metadata-not-json",
                    where="ManifestStore",
                    what=str(error),
                    hint="open the file with this variable in loadable_variables",
                    variable=node.array.name,
                )
            ) from error
    return json.dumps(document).encode()
