"""Every codec is an entry point of zarr and of numcodecs, under one name and configuration."""

from __future__ import annotations

import json
import pickle
import tomllib
from importlib import import_module
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.registry import get_codec_class
from zarr.storage import MemoryStore

from zarrchive.codecs.crop import CropCodec
from zarrchive.codecs.registry import CODECS, register

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
SETTINGS = {
    "zarrchive.bitshuffle": {"nbytes": 400, "itemsize": 4, "compression": "lz4"},
    "zarrchive.blosc": {"nbytes": 400},
    "zarrchive.blosc2": {"nbytes": 400},
    "zarrchive.lz4": {"nbytes": 400},
    "zarrchive.lzf": {"nbytes": 400},
    "zarrchive.nbit": {"nbytes": 400, "itemsize": 4, "runs": [[0, 8], [8, 20], [28, 4]]},
    "zarrchive.partial_integer": {
        "itemsize": 4,
        "order": "<",
        "precision": 20,
        "offset": 3,
        "dtype": "<i4",
    },
    "zarrchive.reverse": {"count": 4, "nbytes": 2},
    "zarrchive.scaleoffset": {"nbytes": 400, "dtype": "<i4", "fill": 0},
    "zarrchive.shuffle": {"elementsize": 3},
    "zarrchive.szip": {
        "nbytes": 400,
        "options_mask": 169,
        "pixels_per_block": 8,
        "bits_per_pixel": 32,
        "pixels_per_scanline": 100,
    },
    "zarrchive.unless_raw": {"nbytes": 400, "codecs": [{"id": "zlib"}]},
    "zarrchive.zfp": {"nbytes": 160, "header": [0x570667A, 0x40000076, 0x88000000]},
}
READ_ONLY = {"zarrchive.blosc", "zarrchive.blosc2", "zarrchive.zfp"}
every_codec = pytest.mark.parametrize(
    "codec", CODECS, ids=[codec.implementation.codec_id for codec in CODECS]
)


@pytest.mark.parametrize("group", ["zarr.codecs", "numcodecs.codecs"])
def test_entry_points_are_those_of_the_table(group) -> None:
    """Other software finds our codecs through them."""
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][group]
    expected = {}
    for codec in CODECS:
        found = codec if group == "zarr.codecs" else codec.implementation
        expected[codec.implementation.codec_id] = f"{found.__module__}:{found.__qualname__}"
    if group == "zarr.codecs":
        expected[CropCodec.codec_id] = f"{CropCodec.__module__}:{CropCodec.__qualname__}"
    assert points == expected
    for value in points.values():
        module, _, name = value.partition(":")
        assert getattr(import_module(module), name)


@every_codec
def test_both_know_it_by_one_name(codec) -> None:
    name = codec.implementation.codec_id
    register()
    assert get_codec_class(name) is codec
    settings = SETTINGS[name]
    of_zarr = get_codec_class(name).from_dict({"name": name, "configuration": settings})
    of_numcodecs = numcodecs.get_codec({"id": name, **settings})
    assert of_zarr.codec == of_numcodecs
    assert of_zarr.to_dict() == {"name": name, "configuration": settings}
    assert of_numcodecs.get_config() == {"id": name, **settings}
    assert json.loads(json.dumps(of_zarr.to_dict())) == of_zarr.to_dict()
    for value in (of_zarr, of_numcodecs):
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(value) == hash(pickle.loads(pickle.dumps(value)))


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - READ_ONLY))
def test_zarr_writes_and_reads_with_it(name) -> None:
    codec = get_codec_class(name)
    values = np.arange(200, dtype="<i4").reshape(2, 100)
    made = codec.from_dict({"name": name, "configuration": SETTINGS[name]})
    store = MemoryStore()
    array = zarr.create_array(
        store, shape=(2, 100), chunks=(1, 100), dtype="<i4", compressors=[made], fill_value=0
    )
    array[...] = values
    assert np.array_equal(zarr.open_array(store, mode="r")[...], values)
