"""One small file for each structure of the HDF5 file format, as recipes by name.

Together they hold every signature of the specification; the tests check that. They are also what
mutations begin from.
"""

from __future__ import annotations

from typing import Any, Final

from zarrchive.testing.hdf5.attributes import AttributeRecipe, AttributesRecipe
from zarrchive.testing.hdf5.datasets import FILTERS, DatasetRecipe
from zarrchive.testing.hdf5.datatypes import KINDS
from zarrchive.testing.hdf5.files import FileRecipe, GroupRecipe, LinkRecipe, TypeRecipe
from zarrchive.testing.hdf5.netcdf4 import NETCDF_SAMPLE, NetCDFRecipe

__all__ = ["ATLAS", "SIGNATURES"]

SIGNATURES: Final = (
    *(b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"GCOL", b"FRHP", b"FHDB", b"FHIB", b"FSHD", b"FSSE"),
    *(b"BTHD", b"BTIN", b"BTLF", b"SMTB", b"SMLI", b"OHDR", b"OCHK"),
    *(b"EAHD", b"EAIB", b"EASB", b"EADB", b"FAHD", b"FADB"),
)
"""How the structures begin that have a signature (HDF5 File Format Specification 3.0, §III)."""


def _file(
    members: dict[str, Any], *, root: GroupRecipe | None = None, **options: Any
) -> FileRecipe:
    group = root or GroupRecipe()
    group = GroupRecipe(**{**vars(group), "members": tuple(members.items())})
    return FileRecipe(root=group, **options)


def _chunked(
    shape: tuple[int, ...], chunks: tuple[int, ...], *limits: int | None, **options: Any
) -> DatasetRecipe:
    return DatasetRecipe(
        layout="chunked", shape=shape, chunks=chunks, max_shape=limits or None, **options
    )


def _some(*ranges: tuple[int, int]) -> tuple[slice, ...]:
    return tuple(slice(*one) for one in ranges)


_SCALAR: Final = DatasetRecipe(shape=())
_ANY_ATTRIBUTE: Final = tuple(
    AttributeRecipe(name=f"{kind} {shape}", kind=kind, shape=shape, seed=7)
    for kind in KINDS
    for shape in ((), (1,), (3,), (2, 2))
) + tuple(
    AttributeRecipe(name=f"{kind} null", kind=kind, shape=None) for kind in ("<f4", "text", "bool")
)
_SMALL: Final = {
    "contiguous": DatasetRecipe(shape=(5, 3)),
    "chunked": _chunked((7, 5), (3, 2), filters=("shuffle", "gzip"), is_smooth=True),
    "group": GroupRecipe(
        members=(("text", DatasetRecipe(kind="text", shape=(3,))), ("scalar", _SCALAR)),
        attributes=AttributesRecipe(named=(AttributeRecipe(name="units", shape=(2,)),)),
    ),
}
_PIPELINES: Final = {
    **{name: (name,) for name in (*FILTERS, "szip", "scale-offset", "nbit")},
    "all": ("shuffle", "gzip", "fletcher32"),
}
_INDEXES: Final = {
    "single": _chunked((3, 4), (3, 4)),
    "single, filtered": _chunked((3, 4), (3, 4), filters=("gzip",), is_smooth=True),
    "implicit": _chunked((6, 5), (2, 2), allocation="early"),
    "fixed array": _chunked((6, 5), (2, 2), written=(_some((0, 3), (1, 5)),)),
    "fixed array, filtered": _chunked((6, 5), (2, 2), 8, 9, filters=("shuffle", "gzip")),
    "extensible array": _chunked((9,), (2,), None),
    "extensible array, second": _chunked((4, 9), (2, 2), 6, None),
    "extensible array, third": _chunked((3, 2, 7), (2, 1, 2), 3, 4, None, filters=("gzip",)),
    "B-tree 2": _chunked((5, 6), (2, 2), None, None),
    "B-tree 2, filtered": _chunked((5, 6), (2, 2), None, None, filters=("gzip",), is_smooth=True),
    "oversized": _chunked((2, 3), (4, 8), None, None),
    "nothing": _chunked((6, 5), (2, 2), written=()),
}

ATLAS: Final[dict[str, FileRecipe | NetCDFRecipe]] = {
    "kinds": _file({kind: DatasetRecipe(kind=kind) for kind in KINDS}),
    "kinds, chunked": _file(
        {
            kind: _chunked((5,), (3,), kind=kind, has_fill=True, written=(_some((1, 3)),))
            for kind in KINDS
        },
        low="v110",
    ),
    "kinds, committed": _file(
        {kind: DatasetRecipe(kind=kind, is_committed=True, seed=1) for kind in KINDS}, low="latest"
    ),
    "attributes": _file(
        {"x": DatasetRecipe(attributes=AttributesRecipe(named=_ANY_ATTRIBUTE))},
        root=GroupRecipe(attributes=AttributesRecipe(n_more=40, more_size=100, n_removed=5)),
    ),
    "attributes, dense": _file(
        {"x": DatasetRecipe(attributes=AttributesRecipe(named=_ANY_ATTRIBUTE, dense=(0, 0)))},
        root=GroupRecipe(attributes=AttributesRecipe(n_more=60, n_removed=9, order=3)),
        low="latest",
    ),
    "attributes, large": _file(
        {
            "huge": GroupRecipe(
                attributes=AttributesRecipe(n_more=3, more_size=70_000, dense=(0, 0))
            ),
            "rows": GroupRecipe(attributes=AttributesRecipe(n_more=200, more_size=3000)),
        },
        low="latest",
    ),
    "old groups": _file({"x": _SCALAR}, root=GroupRecipe(n_more=300, n_removed=20), high="v108"),
    "old groups, deep": _file(
        {"x": _SCALAR, **_SMALL},
        root=GroupRecipe(n_more=60, n_removed=9),
        properties=(("set_sym_k", (1, 1)),),
    ),
    "links, compact": _file(_SMALL, root=GroupRecipe(n_more=3, order=3), low="v108"),
    "links, dense": _file(
        {"x": _SCALAR},
        root=GroupRecipe(n_more=300, more_length=30, n_removed=20, order=3, dense=(0, 0)),
        low="v108",
    ),
    "links, dense and filtered": _file(
        {"x": _SCALAR}, root=GroupRecipe(n_more=50, is_heap_filtered=True, order=1), low="latest"
    ),
    "links, long names": _file(
        {"x": _SCALAR}, root=GroupRecipe(n_more=12, more_length=5000), low="latest"
    ),
    "links": _file(
        {
            "group": GroupRecipe(
                members=(
                    ("x", _SCALAR),
                    ("up", LinkRecipe(kind="hard", target="/group")),
                    ("top", LinkRecipe(target="/")),
                )
            ),
            "hard": LinkRecipe(kind="hard", target="/group/x"),
            "soft": LinkRecipe(target="group/x"),
            "chain": LinkRecipe(target="soft"),
            "again": LinkRecipe(target="/group"),
            "loop": LinkRecipe(target="loop"),
            "nowhere": LinkRecipe(target="/nothing/here"),
            "elsewhere": LinkRecipe(kind="external", target="/x", file="no such file.h5"),
            "type": TypeRecipe(kind="compound"),
            "zarr.json": _SCALAR,
            "__two": _SCALAR,
        }
    ),
    "groups, alike": _file(
        {
            f"group {number:02d}": GroupRecipe(
                members=(
                    ("chunked", _chunked((9,), (2,), filters=("gzip",), seed=number)),
                    ("plain", DatasetRecipe(seed=number)),
                ),
                attributes=AttributesRecipe(
                    named=(AttributeRecipe(name="angle", kind="<f8", seed=number),)
                ),
            )
            for number in range(26)
        }
    ),
    "B-trees, alike": _file(
        {name: _chunked((100,), (1,), kind="<i2", seed=seed) for seed, name in enumerate("abc")}
    ),
    "B-tree 1": _file({f"{name} {low}": made for name, made in _INDEXES.items() for low in "ab"}),
    "B-tree 1, deep": _file(
        {
            "x": _chunked(
                (12, 15), (1, 1), written=(_some((0, 12), (2, 9)), _some((3, 5), (0, 15)))
            ),
            "y": _chunked((40,), (1,), None, filters=("gzip",)),
        },
        properties=(("set_istore_k", (2,)),),
    ),
    "indexes": _file(_INDEXES, low="v110"),
    "fixed array, paged": _file(
        {
            "x": _chunked(
                (50, 50),
                (1, 1),
                kind="u1",
                written=(_some((0, 9), (0, 50)), _some((48, 50), (3, 9))),
            ),
            "y": _chunked(
                (1500,),
                (1,),
                kind="<i2",
                filters=("fletcher32",),
                written=(_some((0, 3)), _some((1100, 1400))),
            ),
        },
        low="v110",
    ),
    "extensible array, super blocks": _file(
        {
            "x": _chunked((300,), (1,), None, kind="u1"),
            "y": _chunked((3, 90), (1, 1), 3, None, kind="u1", filters=("fletcher32",)),
        },
        low="v110",
    ),
    "extensible array, paged": _file(
        {
            "x": _chunked(
                (140_000,),
                (1,),
                None,
                kind="u1",
                written=(_some((0, 30)), _some((139_000, 139_050))),
            ),
            "y": _chunked(
                (4, 35_000), (1, 1), 4, None, kind="u1", written=(_some((1, 3), (34_900, 34_910)),)
            ),
        },
        low="latest",
    ),
    "B-tree 2, deep": _file(
        {
            "x": _chunked((60, 60), (1, 1), None, None, kind="u1"),
            "y": _chunked((20, 20), (1, 1), None, None, kind="u1", filters=("fletcher32",)),
        },
        low="v110",
    ),
    "filters": _file(
        {
            name: _chunked((20, 9), (8, 4), filters=steps, is_smooth=True)
            for name, steps in _PIPELINES.items()
        }
    ),
    "filters of some chunks": _file(
        {
            **{
                name: _chunked(
                    (9, 9), (4, 4), filters=steps, masked=((1, 1), (2, 0)), is_smooth=True
                )
                for name, steps in _PIPELINES.items()
                if name in {"shuffle", "gzip", "all", "fletcher32"}
            },
            "random lzf": _chunked((9, 9), (4, 4), filters=("lzf",)),
            "raw edges": _chunked(
                (9, 9), (4, 4), filters=("gzip",), raw_edges=True, is_smooth=True
            ),
            "all masked": _chunked((4,), (2,), filters=("shuffle",), masked=((0,), (1,))),
        },
        low="latest",
    ),
    "storage": _file(
        {
            "compact": DatasetRecipe(layout="compact", kind=">i4"),
            "external": DatasetRecipe(layout="external"),
            "virtual": DatasetRecipe(layout="virtual"),
            "null": DatasetRecipe(shape=None),
            "scalar": _SCALAR,
            "zero": DatasetRecipe(shape=(3, 0)),
            "zero, chunked": _chunked((0, 2), (2, 2), None, 2),
            "early": DatasetRecipe(
                allocation="early", written=(), has_fill=True, fill_time="alloc"
            ),
            "unwritten": DatasetRecipe(written=(), has_fill=True),
            "never": _chunked(
                (5,), (2,), written=(_some((0, 3)),), has_fill=True, fill_time="never"
            ),
            "grown": _chunked((4, 4), (2, 3), None, None, resized=(7, 5), has_fill=True),
            "shrunk": _chunked((9, 9), (2, 2), None, 9, resized=(3, 4)),
        }
    ),
    "text": _file(
        {
            "contiguous": DatasetRecipe(kind="text", shape=(60,)),
            "chunked": _chunked((70,), (9,), None, kind="text", written=(_some((5, 40)),)),
            "two": _chunked((6, 7), (2, 3), kind="ascii text", filters=("gzip",)),
            "unwritten": DatasetRecipe(kind="text", written=()),
            "scalar": DatasetRecipe(kind="text", shape=()),
        }
    ),
    "shared messages": _file(
        {
            **{f"x{number}": DatasetRecipe(kind="compound", shape=(3,)) for number in range(4)},
            "y": DatasetRecipe(attributes=AttributesRecipe(n_more=4, more_size=40), has_fill=True),
            "z": _chunked((4,), (2,), filters=("gzip",)),
        },
        properties=(
            ("set_shared_mesg_nindexes", (1,)),
            ("set_shared_mesg_index", (0, 0x1F, 8)),
        ),
    ),
    "shared messages, in a B-tree": _file(
        {
            f"x{number}": DatasetRecipe(
                kind=kind, shape=(number + 1,), attributes=AttributesRecipe(n_more=2, more_size=60)
            )
            for number, kind in enumerate(("compound", "enum", "array", ">f8"))
        },
        properties=(
            ("set_shared_mesg_nindexes", (2,)),
            ("set_shared_mesg_index", (0, 0x0F, 8)),
            ("set_shared_mesg_index", (1, 0x10, 8)),
            ("set_shared_mesg_phase_change", (0, 0)),
        ),
        low="v110",
    ),
    **{
        f"{address} and {length} bytes, {low}": _file(
            {**_SMALL, **_INDEXES}, address_size=address, length_size=length, low=low
        )
        for address, length, low in (
            *((4, 4, "earliest"), (4, 8, "v108"), (8, 4, "v110"), (4, 4, "latest")),
            *((2, 2, "earliest"), (2, 2, "latest")),
        )
    },
    **{
        f"user block, {low}": _file({**_SMALL, **_INDEXES}, user_block=512, low=low)
        for low in ("earliest", "latest")
    },
    **{
        f"free space, {strategy}": _file(
            {**_SMALL, "many": GroupRecipe(members=(("x", _SCALAR),), n_more=40, n_removed=15)},
            strategy=strategy,
            low="v110",
        )
        for strategy in ("fsm", "page", "aggregate", "none")
    },
    "netCDF4": NETCDF_SAMPLE,
}
"""By name."""
