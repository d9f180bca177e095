"""Whole HDF5 files drawn at random: by hypothesis in tests, by a seed in long runs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import strategies as st

from zarrchive.testing.hdf5.attributes import AttributeRecipe, AttributesRecipe
from zarrchive.testing.hdf5.datasets import FILTERS, DatasetRecipe
from zarrchive.testing.hdf5.datatypes import KINDS
from zarrchive.testing.hdf5.files import FileRecipe, GroupRecipe, LinkRecipe, TypeRecipe

if TYPE_CHECKING:
    from random import Random

    from zarrchive.testing.hdf5.datasets import Region
    from zarrchive.testing.hdf5.files import Member
    from zarrchive.testing.hdf5.library import Property

__all__ = ["draw_file", "file_recipes"]

T = TypeVar("T")

_NAMES: Final = (
    *("a", "b", "c", "0", "x y", "größe"),
    *(".hidden", "zarr.json", "{{u}}", "_nc4_non_coord_t"),
)
_ATTRIBUTES: Final = ("units", "größe", "a", "_FillValue", "valid_range")
_KINDS: Final = tuple(KINDS)
_INTEGERS: Final = tuple(kind for kind in KINDS if kind[0] in "<>" and kind[1] in "iu")
_SIMPLE: Final = (*_INTEGERS, "<f4", ">f8", "bool", "enum", "string null-padded", "compound")
_CANNOT_BE_OLD: Final = "HDF5 2.0"
"""In the names of the kinds that older versions of the format do not have."""
_VERSIONS: Final = (
    *(("earliest", "latest"), ("earliest", "latest"), ("earliest", "v108"), ("v108", "v108")),
    *(("v108", "latest"), ("v110", "v110"), ("v110", "latest"), ("latest", "latest")),
)
_SIZES: Final = ((8, 8), (8, 8), (8, 8), (4, 4), (4, 8), (8, 4))
_STRATEGIES: Final = ("fsm", "page", "aggregate", "none")


def file_recipes() -> st.SearchStrategy[FileRecipe]:
    """Files of every version of the format, with groups, links, attributes and datasets."""
    return st.randoms(use_true_random=False).map(draw_file)


def draw_file(random: Random) -> FileRecipe:
    """Choose a file."""
    low, high = random.choice(_VERSIONS)
    draw = _Draw(random, high)
    strategy = draw.one_of(_STRATEGIES) if low in {"v110", "latest"} and draw.once_in(4) else ""
    address, length = draw.one_of(_SIZES)
    return FileRecipe(
        root=draw.group(2),
        low=low,
        high=high,
        user_block=draw.one_of((0, 0, 0, 512, 1024)) if not strategy else 0,
        address_size=address,
        length_size=length,
        properties=draw.properties(),
        strategy=strategy,
        page_size=draw.one_of((512, 4096)),
    )


@dataclass(frozen=True, slots=True)
class _Draw:
    """Choices for one file."""

    random: Random
    high: str
    """Newest version of the format that is allowed."""

    def one_of(self, values: tuple[T, ...]) -> T:
        return self.random.choice(values)

    def once_in(self, n: int) -> bool:
        return not self.random.randrange(n)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def kind(self, simple: tuple[str, ...] = _SIMPLE) -> str:
        kind = self.one_of(_KINDS if self.once_in(3) else simple)
        return "<c8" if _CANNOT_BE_OLD in kind and self.high != "latest" else kind

    def properties(self) -> tuple[Property, ...]:
        found: list[Property] = []
        if self.once_in(4):
            found.append(("set_sym_k", (self.number(2, 4), self.number(1, 4))))
        if self.once_in(3):
            found.append(("set_istore_k", (self.number(2, 6),)))
        if self.once_in(5):
            found.append(("set_shared_mesg_nindexes", (1,)))
            which, least = self.number(1, 31), self.one_of((0, 8, 40))
            found.append(("set_shared_mesg_index", (0, which, least)))
            if self.once_in(2):
                found.append(("set_shared_mesg_phase_change", self.one_of(((0, 0), (4, 2)))))
        return tuple(found)

    def group(self, depth: int) -> GroupRecipe:
        names = self.random.sample(_NAMES, self.number(0 if depth < 2 else 1, 5))
        members = tuple((name, self.member(depth, names)) for name in names)
        n_more = self.one_of((20, 60, 120) if self.once_in(6) else (0, 0, 0, 3))
        return GroupRecipe(
            members=members,
            attributes=self.attributes(),
            dense=self.one_of((None, None, (0, 0), (3, 1))),
            order=self.one_of((0, 0, 1, 3)),
            n_more=n_more,
            more_length=self.one_of((8, 8, 40)),
            n_removed=self.number(0, n_more // 2) if self.once_in(2) else 0,
            is_heap_filtered=self.once_in(10),
        )

    def member(self, depth: int, names: list[str]) -> Member:
        choice = self.number(0, 11)
        if choice < 2 and depth:
            return self.group(depth - 1)
        if choice == 2:
            target = self.one_of(("/", "/a", "/b", "nowhere", "a/b", *names))
            kind = self.one_of(("soft", "hard", "external"))
            return LinkRecipe(target=target, kind=kind, file="no such file.h5")
        if choice == 3:
            return TypeRecipe(kind=self.kind(), attributes=self.attributes())
        return self.dataset()

    def attributes(self) -> AttributesRecipe:
        n_more = self.one_of((0, 0, 0, 0, 5, 12, 40))
        return AttributesRecipe(
            named=tuple(self.attribute(n) for n in range(self.one_of((0, 0, 1, 2, 4)))),
            n_more=n_more,
            more_size=self.one_of((8, 8, 60, 300, 5000 if n_more < 12 else 8)),
            n_removed=self.number(0, n_more // 2) if self.once_in(2) else 0,
            dense=self.one_of((None, None, (0, 0), (4, 2))),
            order=self.one_of((0, 0, 1, 3)),
        )

    def attribute(self, number: int) -> AttributeRecipe:
        return AttributeRecipe(
            name=f"{self.one_of(_ATTRIBUTES)}{number}",
            kind=self.kind(("text", *_SIMPLE)),
            shape=self.one_of(((), (), (1,), (3,), (2, 2), (0,), None)),
            is_written=not self.once_in(9),
            seed=self.number(0, 99),
        )

    def dataset(self) -> DatasetRecipe:
        kind = self.kind()
        times = ("", "", "alloc", "if set", *(["never"] if KINDS[kind].is_raw else []))
        base: dict[str, Any] = {
            "kind": kind,
            "is_committed": self.once_in(8),
            "attributes": self.attributes(),
            "has_fill": self.once_in(3),
            "fill_time": self.one_of(times),
            "is_smooth": self.once_in(2),
            "seed": self.number(0, 2**16),
        }
        choice = self.number(0, 13)
        if choice == 0:
            return DatasetRecipe(**base, shape=self.one_of((None, (), (), (0,), (3, 0))))
        if choice == 1:
            return DatasetRecipe(**base, shape=self.shape(2), layout="compact")
        if choice == 2 and kind in _INTEGERS and self.high == "latest":
            layout = self.one_of(("external", "virtual"))
            return DatasetRecipe(**base, shape=self.shape(2), layout=layout)
        if choice < 6:
            shape = self.shape(3)
            allocation = self.one_of(("", "early", "late"))
            written = self.regions(shape)
            return DatasetRecipe(**base, shape=shape, allocation=allocation, written=written)
        return self.chunked(base)

    def chunked(self, base: dict[str, Any]) -> DatasetRecipe:
        chunks, shape = self.grid()
        rank = len(shape)
        n_unlimited = min(rank, self.one_of((0, 0, 1, 1, 2, rank)))
        unlimited = set(self.random.sample(range(rank), n_unlimited))
        room = self.one_of((0, 0, 3))
        limits = tuple(
            None if axis in unlimited else max(n, c) + room
            for axis, (n, c) in enumerate(zip(shape, chunks, strict=True))
        )
        filters = self.filters(base["kind"], prod(chunks)) if self.once_in(2) else ()
        masked: tuple[tuple[int, ...], ...] = ()
        if KINDS[base["kind"]].is_raw and self.once_in(3) and filters not in {(), ("nbit",)}:
            masked = tuple(self.index(shape, chunks) for _ in range(self.number(1, 3)))
        resized = tuple(
            self.number(0, n + 3) if axis in unlimited else n for axis, n in enumerate(shape)
        )
        return DatasetRecipe(
            **base,
            shape=shape,
            max_shape=limits if limits != shape else None,
            layout="chunked",
            chunks=chunks,
            filters=filters,
            allocation=self.one_of(("", "", "early", "late", "incremental")),
            written=self.regions(shape),
            masked=masked,
            resized=resized if unlimited and not masked and self.once_in(4) else None,
            raw_edges=self.high != "v108" and self.once_in(6),
        )

    def grid(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Choose chunks and a shape, sometimes of many: pages, super blocks, deep trees."""
        rank = self.one_of((1, 1, 2, 2, 3, 4))
        shape = tuple(self.number(1, 7) for _ in range(rank))
        if self.once_in(5):
            longest = self.one_of((1100, 300)) if rank < 3 else 60
            return (1,) * rank, (*shape[:-1], longest)
        return tuple(self.number(1, 3) for _ in range(rank)), shape

    def index(self, shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
        pairs = zip(shape, chunks, strict=True)
        return tuple(self.number(0, (n - 1) // c) for n, c in pairs)

    def filters(self, kind: str, chunk_size: int) -> tuple[str, ...]:
        choice = self.number(0, 5)
        if choice < 4 or not KINDS[kind].is_raw:  # some plug-ins crash on references
            usual = ("shuffle", "gzip", "fletcher32", "lzf")
            return tuple(self.random.sample(usual, self.number(1, 3)))
        if choice == 4 and kind in _INTEGERS:
            return (self.one_of(("scale-offset", "nbit", *(["szip"] if chunk_size > 7 else []))),)
        return (self.one_of(tuple(FILTERS)),)

    def shape(self, most: int) -> tuple[int, ...]:
        return tuple(self.number(1, 6) for _ in range(self.number(1, most)))

    def regions(self, shape: tuple[int, ...]) -> tuple[Region, ...] | None:
        """Choose what is written: everything, nothing, or one or two blocks."""
        count = self.one_of((None, None, 0, 1, 2))
        if count is None:
            return None
        regions = []
        for _ in range(count):
            bounds = [sorted((self.number(0, n), self.number(0, n))) for n in shape]
            regions.append(tuple(slice(*pair) for pair in bounds))
        return tuple(regions)
