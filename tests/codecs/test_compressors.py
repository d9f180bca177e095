"""The compressors that h5py itself writes, and what all codecs do with missing packages."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.codecs.hdf5 import decode, encode
from zarrchive.codecs.lzf import LZF
from zarrchive.errors import PluginError


@st.composite
def arrays(draw):
    """Numbers that repeat, more or less."""
    dtype = np.dtype(draw(st.sampled_from(["u1", ">i2", "i4", "<f4", ">f8"])))
    shape = draw(st.sampled_from([(40,), (5, 17), (64, 64), (3, 4, 50)]))
    most = draw(st.sampled_from([1, 3, 50, 2**31]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return random.integers(0, most, shape).astype(dtype)


@given(values=arrays(), shuffle=st.booleans(), fletcher32=st.booleans())
def test_lzf(chunk_of, values, shuffle, fletcher32) -> None:
    chunk = chunk_of(values, compression="lzf", shuffle=shuffle, fletcher32=fletcher32)
    assert chunk.decoded() == values.tobytes()


@given(values=arrays(), method=st.sampled_from(["nn", "ec"]), pixels=st.sampled_from([2, 8, 32]))
def test_szip(chunk_of, values, method, pixels) -> None:
    chunk = chunk_of(values, compression="szip", compression_opts=(method, pixels))
    assert chunk.decoded() == values.tobytes()


@pytest.mark.parametrize("compression", ["lzf", "szip"])
def test_encoded_chunks_are_read_by_hdf5(chunk_of, compression) -> None:
    """What is written here in place of odd chunks is what HDF5 reads."""
    values = np.arange(1000, dtype="i4").reshape(10, 100) // 7
    model = chunk_of(np.zeros_like(values), compression=compression)
    encoded = encode(model.codecs, values.tobytes())
    assert len(encoded) < values.nbytes
    assert decode(model.codecs, encoded) == values.tobytes()
    read = chunk_of(np.zeros_like(values), compression=compression, direct=encoded)
    assert read.values.tobytes() == values.tobytes()


def test_package_that_is_missing_is_named(monkeypatch) -> None:
    encoded = LZF(nbytes=400).encode(bytes(400))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(PluginError, match=r'pip install "zarrchive\[codecs\]"') as caught:
        LZF(nbytes=400).decode(encoded)
    assert caught.value.problem.code == "package-missing"


def test_result_can_be_put_into_a_buffer() -> None:
    out = np.zeros(100, "i4")
    codec = LZF(nbytes=400)
    codec.decode(codec.encode(np.full(100, 5, "i4")), out=out)
    assert (out == 5).all()


@pytest.mark.parametrize(
    "settings",
    [{}, {"nbytes": 0}, {"nbytes": -4}, {"nbytes": "4"}, {"nbytes": 4, "max_nbytes": 5},
     {"max_nbytes": 1.5}],
)  # fmt: skip
def test_size_has_to_be_one_number(settings) -> None:
    with pytest.raises(ValueError, match=r"zarrchive\.lzf needs either nbytes or max_nbytes"):
        LZF(**settings)
