"""Zeros stay zeros, what is missing is missing, and unwritten chunks read as the source says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from zarrchive.errors import WriteError
from zarrchive.manifests import ChunkManifest, ManifestArray, ManifestGroup
from zarrchive.manifests._zarr import array_metadata
from zarrchive.writers import fill_values
from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")

JSON = KerchunkJSONWriter()
NAN = np.nan
SECOND = frozenset({(1,)})
"""The second of two chunks is not written."""

# name: (values of the file, fill value of unwritten chunks, _FillValue or None, what xarray shows)
CASES: dict[str, tuple[Any, Any, Any, Any]] = {
    "zeros and no mask": (np.array([0, 1, 0, 2]), 0, None, [0, 1, 0, 0]),
    "fill other than the mask": (np.array([5, -1, 2, 3]), 5, np.int64(-1), [5, NAN, 5, 5]),
    "mask on a fill of zero": (np.array([0, -1, 2, 3]), 0, np.int64(-1), [0, NAN, 0, 0]),
    "mask equal to the fill": (np.array([7, -1, 2, 3]), -1, np.int64(-1), [7, NAN, NAN, NAN]),
    "fill of netCDF, no mask": (np.array([0.0, 1, 2, 3]), 9.96921e36, None, [0, 1, 9.96921e36]),
    "mask of NaN": (np.array([0.0, NAN, 2, 3]), NAN, np.float64(NAN), [0, NAN, NAN, NAN]),
    "mask of NaN, fill of zero": (np.array([NAN, 1, 2, 3]), 0.0, np.float64(NAN), [NAN, 1, 0, 0]),
    "False": (np.array([False, True, True, True]), False, None, [False, True, False, False]),
    "unsigned": (np.array([255, 0, 1, 2], "u1"), 0, np.uint8(255), [NAN, 0, 0, 0]),
    "mask in a list": (np.array([1.0, 2, 3, 4]), 0.0, np.array([2.0]), [1, NAN, 0, 0]),
    "mask of another type": (np.array([1, 2, 3, 4], "i2"), 0, np.float64(2), [1, NAN, 0, 0]),
    "mask that no element equals": (np.array([1, 2, 3, 4], "u1"), 0, np.int16(-1), [1, 2, 0, 0]),
    "complex": (np.array([0, 1j, 2, 3]), 0, None, [0, 1j, 0, 0]),
}


@pytest.mark.parametrize("name", CASES)
def test_v2_metadata_masks_what_the_source_masks(
    name: str, make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    values, fill, mask, shown = CASES[name]
    shown = [*shown, shown[-1]][:4]
    attributes = {} if mask is None else {"_FillValue": mask}
    made = make(
        values, chunks=(2,), fill=values.dtype.type(fill), attributes=attributes, missing=SECOND
    )
    group = ManifestGroup(arrays={"x": made.array})
    for writer in (JSON, KerchunkParquetWriter()):
        path = str(tmp_path / writer.name)
        assert writer.write(group, path).problems == ()
        raw, decoded = read(path, mask_and_scale=False)["x"], read(path)["x"]
        np.testing.assert_array_equal(raw.values, made.values)
        assert raw.dtype == values.dtype
        np.testing.assert_array_equal(decoded.values, np.array(shown))
        if mask is None:
            assert decoded.dtype == values.dtype
            assert "_FillValue" not in {**decoded.attrs, **decoded.encoding}


@pytest.mark.parametrize(
    ("values", "mask"),
    [
        (np.array([b"ab", b"", b"c"]), b"ab"),
        (np.array([b"ab", b"", b"c"]), "ab"),
        (np.array([b"x", b"", b"c"]), np.bytes_(b"x")),
        (np.array(["x", "", "c"]), "x"),
        (["x", "", "c"], "x"),
        (["", "y", "c"], ""),
    ],
    ids=["bytes", "text", "characters", "unicode", "strings", "empty string"],
)
def test_text_is_masked_by_its_fill_value_and_by_nothing_else(
    values: Any, mask: Any, make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    plain, masked = make(values), make(values, attributes={"_FillValue": mask})
    path = str(tmp_path / "out.json")
    JSON.write(ManifestGroup(arrays={"plain": plain.array, "masked": masked.array}), path)
    tree = read(path, concat_characters=False)
    assert tree["plain"].values.tolist() == list(plain.values)
    assert [item is None or item != item for item in tree["masked"].values.tolist()] == [  # noqa: PLR0124 - NaN
        str(np.asarray(item).astype(str)) == np.asarray(mask).astype(str) for item in plain.values
    ]


@pytest.mark.filterwarnings("ignore:variable 'x' has multiple fill values")
def test_several_masks_are_those_of_the_source(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    made = make(np.array([1, 2, 3, 4]), attributes={"_FillValue": np.array([1, 2])})
    path = str(tmp_path / "out.json")
    JSON.write(ManifestGroup(arrays={"x": made.array}), path)
    np.testing.assert_array_equal(read(path)["x"].values, [NAN, NAN, 3, 4])


def test_other_attributes_of_the_conventions_are_left_to_the_reader(
    make: Callable[..., Any], read: Callable[..., Any], tmp_path: Path
) -> None:
    attributes = {
        "scale_factor": np.float32(0.5),
        "add_offset": np.float64(10),
        "_FillValue": np.int16(-9),
        "missing_value": np.int16(-8),
        "units": "K",
    }
    made = make(np.array([0, -9, -8, 4], "i2"), attributes=attributes)
    path = str(tmp_path / "out.json")
    JSON.write(ManifestGroup(arrays={"x": made.array}), path)
    zattrs = json.loads(json.loads((tmp_path / "out.json").read_text())["refs"]["x/.zattrs"])
    assert zattrs == {
        "scale_factor": 0.5,
        "add_offset": 10.0,
        "missing_value": -8,
        "units": "K",
        "_ARRAY_DIMENSIONS": list(made.array.metadata.dimension_names),
    }
    with pytest.warns(match="multiple fill values"):
        found = read(path)["x"].values
    np.testing.assert_array_equal(found, [10, NAN, NAN, 12])


def unwritten(
    shape: tuple[int, ...], chunks: tuple[int, ...], fill: float, **attributes: Any
) -> ManifestGroup:
    metadata = array_metadata(
        shape=shape,
        dtype=np.dtype("<f4"),
        chunk_shape=chunks,
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}],
        fill_value=np.float32(fill),
        dimension_names=[f"d{i}" for i in range(len(shape))],
        attributes=attributes,
    )
    grid = tuple(-(-n // c) for n, c in zip(shape, chunks, strict=True))
    return ManifestGroup(arrays={"x": ManifestArray(metadata, ChunkManifest.empty(grid))})


def test_unwritten_chunks_that_would_take_too_much_are_refused_in_v2_only(
    read: Callable[..., Any], tmp_path: Path
) -> None:
    group = unwritten((1 << 20, 1 << 20), (1 << 10, 1 << 10), fill=7)
    path = str(tmp_path / "out.json")
    [problem] = JSON.problems_of(group, path=path)
    assert problem.code == "v2-fill-too-large"
    assert problem.variable == "/x"
    assert "zarr_format=3" in problem.hint
    with pytest.raises(WriteError) as caught:
        JSON.write(group, path)
    assert list(caught.value.problems) == [problem]
    assert not list(tmp_path.iterdir())
    JSON.write(group, path, zarr_format=3)
    assert float(read(path)["x"][12345, 54321]) == 7


def test_zeros_beyond_the_limit_are_left_to_readers(
    read: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_values, "FILL_LIMIT", 100)
    path = str(tmp_path / "out.json")
    JSON.write(unwritten((100,), (10,), 0, _FillValue=np.float32(-1)), path)
    refs = json.loads((tmp_path / "out.json").read_text())["refs"]
    assert not [key for key in refs if key.startswith("x/0")]
    np.testing.assert_array_equal(read(path)["x"].values, np.zeros(100))
    assert read(path)["x"].encoding["_FillValue"] == -1


def test_a_grid_of_a_million_million_unwritten_chunks_costs_nothing(tmp_path: Path) -> None:
    group = unwritten((10**6, 10**6), (1, 1), fill=0)
    report = JSON.write(group, str(tmp_path / "out.json"))
    assert (report.nrefs, report.ninlined) == (0, 0)
    assert report.size < 2000
    [problem] = KerchunkParquetWriter().problems_of(group)
    assert problem.code == "parquet-refused"
    assert "JSON" in problem.hint


def test_a_mask_of_a_struct_is_left_out_with_a_warning(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    values = np.array([(1, 2.5), (0, 0)], [("a", "<i2"), ("b", "<f8")])
    made = make(values, attributes={"_FillValue": values[1]})
    report = JSON.write(ManifestGroup(arrays={"x": made.array}), str(tmp_path / "out.json"))
    [problem] = report.problems
    assert (problem.code, problem.severity) == ("v2-struct-fill", "warning")
    assert report.narrays == 1
