"""What is written reads back, with xarray through fsspec, as the values that went in."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.manifests import ManifestGroup
from zarrchive.writers.icechunk import IcechunkWriter
from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# fsspec reads the tables with fastparquet, which pandas 3 wishes to be rid of.
pytestmark = pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")

JSON, PARQUET = KerchunkJSONWriter(), KerchunkParquetWriter()
OUTPUTS: list[tuple[Any, int]] = [(JSON, 2), (JSON, 3), (PARQUET, 2)]
IDS = ["json-v2", "json-v3", "parquet", "icechunk"]
if sys.version_info >= (3, 12):  # icechunk 2 needs it; the newer Python of the same run has it
    OUTPUTS.append((IcechunkWriter(), 3))
IDS = IDS[: len(OUTPUTS)]
SERIAL = itertools.count()

NUMBERS = ("<f4", ">f8", "<f2", "|u1", ">i2", "<i8", "<u4", "<c8")
CHAINS: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    ({"name": "numcodecs.zlib", "configuration": {"level": 4}},),
    ({"name": "zstd", "configuration": {"level": 1, "checksum": False}},),
    ({"name": "gzip", "configuration": {"level": 1}},),
    ({"name": "crc32c"},),
)
BLOSC = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 0}


def shuffled(itemsize: int) -> tuple[dict[str, Any], ...]:
    return (
        {"name": "numcodecs.shuffle", "configuration": {"elementsize": itemsize}},
        {"name": "numcodecs.zlib", "configuration": {"level": 1}},
        {"name": "numcodecs.fletcher32", "configuration": {}},
    )


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `make`: numbers of any type, some chunks missing or inline."""
    dtype = np.dtype(draw(st.sampled_from(NUMBERS)))
    shape = tuple(draw(st.lists(st.integers(0, 7), max_size=3)))
    chunks = tuple(draw(st.integers(1, 4)) for _ in shape)
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, shape).astype(dtype)
    grid = [-(-n // c) for n, c in zip(shape, chunks, strict=True)]
    fate = {i: rng.choice(["stored", "missing", "inline"]) for i in np.ndindex(*grid)}
    special = draw(st.sampled_from(["none", "value", "nan"]))
    if special == "nan" and dtype.kind in "fc" and values.size:
        values.flat[0] = np.nan
    mask = np.array(np.nan if special == "nan" and dtype.kind in "fc" else 2).astype(dtype)[()]
    return {
        "values": values,
        "chunks": chunks,
        "fill": np.array(draw(st.sampled_from([0, 1, 2]))).astype(dtype)[()],
        "codecs": draw(st.sampled_from([*CHAINS, shuffled(dtype.itemsize)])),
        "attributes": {} if special == "none" else {"_FillValue": mask},
        "missing": frozenset(i for i, what in fate.items() if what == "missing"),
        "inline": frozenset(i for i, what in fate.items() if what == "inline"),
    }


@pytest.mark.parametrize(("writer", "zarr_format"), OUTPUTS, ids=IDS)
@given(specs=st.lists(arrays(), min_size=1, max_size=4), depth=st.integers(0, 2))
def test_written_values_read_back(
    writer: Any,
    zarr_format: int,
    specs: list[dict[str, Any]],
    depth: int,
    make: Callable[..., Any],
    read: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"out {next(SERIAL)}.{writer.name}"
    made = {f"x{i}": make(spec.pop("values"), **spec) for i, spec in enumerate(specs)}
    group = ManifestGroup(arrays={name: one.array for name, one in made.items()})
    for level in range(depth):
        group = ManifestGroup(groups={f"g{level}": group}, attributes={"level": level})
    report = writer.write(group, str(path), zarr_format=zarr_format)
    warned = {"parquet-groups"} if depth and writer is PARQUET else set()
    assert {problem.code for problem in report.problems} == warned
    assert report.narrays == len(made)
    inside = "/".join(f"g{level}" for level in reversed(range(depth)))
    raw = read(str(path), mask_and_scale=False)[inside or "/"]
    decoded = read(str(path))[inside or "/"]
    for name, one in made.items():
        np.testing.assert_array_equal(raw[name].values, one.values)
        assert raw[name].dtype == one.values.dtype.newbyteorder("=")
        assert raw[name].dims == one.array.metadata.dimension_names
        np.testing.assert_array_equal(decoded[name].values, masked(one))


def masked(made: Any) -> np.ndarray:
    """Apply _FillValue as the CF conventions say."""
    if "_FillValue" not in made.array.attributes:
        return made.values
    mask = made.array.attributes["_FillValue"]
    is_missing = np.isnan(made.values) if np.isnan(mask) else made.values == mask
    kind = made.values.dtype.newbyteorder("=")
    wide = kind if kind.kind in "fc" else np.float64
    not_a_number = complex(np.nan, np.nan) if kind.kind == "c" else np.nan
    return np.where(is_missing, not_a_number, made.values.astype(wide))


EXAMPLES = {
    "scalar": 2.5,
    "scalar zero": np.int32(0),
    "zeros": np.array([0, 1, 0, 2], "i4"),
    "bool": np.array([True, False, True]),
    "bytes": np.array([b"ab", b"", b"c"], "S2"),
    "unicode": np.array(["ab", "", "é"], "<U2"),
    "strings": ["a", "", "ünï\n"],
    "no strings": ["", ""],
    "complex": np.array([0, 1j, 2], ">c16"),
    "opaque": np.array([b"abcd", b"\0\0\0\1"], "V4"),
    "empty": np.zeros((0, 3), "f4"),
    "times": np.array([0, 1, 2], "<M8[ns]"),
    "nan": np.array([np.nan, np.inf, -np.inf, 0], "f8"),
    "large": np.array([2**63 - 1, -(2**63)], "i8"),
}


@pytest.mark.parametrize(("writer", "zarr_format"), OUTPUTS, ids=IDS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_type_of_data_reads_back(
    writer: Any,
    zarr_format: int,
    name: str,
    make: Callable[..., Any],
    read: Callable[..., Any],
    tmp_path: Path,
) -> None:
    made = make(EXAMPLES[name])
    path = str(tmp_path / "out")
    assert not writer.write(
        ManifestGroup(arrays={"x": made.array}), path, zarr_format=zarr_format
    ).problems
    found = read(path)["x"].values
    np.testing.assert_array_equal(found, made.values)
    if found.dtype.kind not in "TO":
        assert found.dtype == made.values.dtype.newbyteorder("=")


@pytest.mark.parametrize(("writer", "zarr_format"), OUTPUTS, ids=IDS)
def test_structs_read_back_with_zarr(
    writer: Any,
    zarr_format: int,
    make: Callable[..., Any],
    read_zarr: Callable[..., Any],
    tmp_path: Path,
) -> None:
    values = np.array([(1, 2.5), (0, 0)], [("a", "<i2"), ("b", "<f8")])
    path = str(tmp_path / "out")
    writer.write(ManifestGroup(arrays={"x": make(values).array}), path, zarr_format=zarr_format)
    found = read_zarr(path)["x"]
    np.testing.assert_array_equal(found[...], values)


def test_big_endian_fields_are_refused_where_zarr_v3_cannot_say_them(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    from zarrchive.errors import WriteError

    values = np.array([(1, 2.5), (0, 0)], [("a", ">i2"), ("b", ">f8")])
    group = ManifestGroup(arrays={"x": make(values).array})
    with pytest.raises(WriteError, match="big-endian") as caught:
        JSON.write(group, str(tmp_path / "out.json"), zarr_format=3)
    assert caught.value.problem.variable == "/x"
    assert not (tmp_path / "out.json").exists()


def test_blosc_and_other_codecs_of_the_core_read_back(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    chain = ({"name": "blosc", "configuration": BLOSC}, {"name": "crc32c"})
    made = make(np.arange(20, dtype="<i4").reshape(4, 5), chunks=(3, 3), codecs=chain)
    path = str(tmp_path / "out.json")
    JSON.write(ManifestGroup(arrays={"x": made.array}), path)
    np.testing.assert_array_equal(read(path)["x"].values, made.values)


REARRANGED = {
    "reversed": lambda array: array[::-1, :, ::-1],
    "transposed": lambda array: array.transpose(2, 1, 0),
    "reversed and transposed": lambda array: array[:, ::-1].transpose(2, 1, 0),
    "cut": lambda array: array[1, 1:3],
}


@pytest.mark.parametrize(("writer", "zarr_format"), OUTPUTS, ids=IDS)
@pytest.mark.parametrize("change", REARRANGED.values(), ids=REARRANGED.keys())
@pytest.mark.parametrize("chain", [(), CHAINS[-1]], ids=["raw", "encoded"])
def test_what_was_rearranged_by_references_reads_back(
    make: Callable[..., Any],
    read: Callable[..., Any],
    tmp_path: Path,
    chain,
    change,
    writer,
    zarr_format,
) -> None:
    values = np.arange(64, dtype="<i4").reshape(4, 4, 4)
    made = make(values, chunks=(2, 2, 4) if not chain else (1, 1, 4), codecs=chain)
    path = str(tmp_path / ("out.parquet" if writer is PARQUET else "out.json"))
    array = change(made.array)
    writer.write(ManifestGroup(arrays={"x": array}), path, zarr_format=zarr_format)
    np.testing.assert_array_equal(read(path)["x"].values, change(values))


def test_elements_in_fortran_order_read_back(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    from zarrchive.manifests import ManifestArray
    from zarrchive.manifests._zarr import array_metadata

    values = np.arange(6, dtype="<i4").reshape(2, 3)
    made = make(np.ascontiguousarray(values.T))
    metadata = array_metadata(
        shape=(2, 3),
        dtype=values.dtype,
        chunk_shape=(2, 3),
        codecs=[
            {"name": "transpose", "configuration": {"order": [1, 0]}},
            {"name": "bytes", "configuration": {"endian": "little"}},
        ],
        fill_value=0,
        dimension_names=("a", "b"),
        attributes={},
    )
    array = ManifestArray(metadata, made.array.manifest)
    for zarr_format in (2, 3):
        path = str(tmp_path / f"out{zarr_format}.json")
        JSON.write(ManifestGroup(arrays={"x": array}), path, zarr_format=zarr_format)
        np.testing.assert_array_equal(read(path)["x"].values, values)


def test_chunks_that_look_like_base64_text_read_back(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    values = np.frombuffer(b"base64:AAAA" + bytes(5), "u1")
    for number, inline in enumerate((frozenset(), frozenset({(0,)}))):
        made = make(values, inline=inline)
        for writer in (JSON, PARQUET):
            path = str(tmp_path / f"{number}.{writer.name}")
            writer.write(ManifestGroup(arrays={"x": made.array}), path)
            np.testing.assert_array_equal(read(path)["x"].values, values)


def test_many_tables_of_one_array_read_back(
    make: Callable[..., Any],
    read: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("reference_tables", "kerchunk_parquet"):
        monkeypatch.setattr(f"zarrchive.writers.{module}.RECORD_SIZE", 7)
    values = np.arange(60).reshape(6, 10)
    made = make(values, chunks=(1, 2), missing=frozenset((i, j) for i in (2, 3) for j in range(5)))
    path = str(tmp_path / "out.parq")
    PARQUET.write(ManifestGroup(arrays={"x": made.array}), path)
    assert len(list((tmp_path / "out.parq" / "x").iterdir())) == 5
    np.testing.assert_array_equal(read(path)["x"].values, made.values)


def test_grids_of_any_rank_and_size_have_the_keys_of_zarr() -> None:
    from zarrchive.writers.references import chunk_keys

    for grid in [(3,), (2, 3), (2, 3, 4), (2, 1, 1, 5), (3, 70_000), (2, 40_000, 3)]:
        position = np.unique(np.linspace(0, np.prod(grid) - 1, 50).astype(np.uint64))
        heads, head, tails, tail = chunk_keys(position, grid, separator=".")
        found = [heads[i] + tails[j] for i, j in zip(head, tail, strict=True)]
        wanted = [".".join(map(str, np.unravel_index(int(p), grid))) for p in position]
        assert found == wanted
