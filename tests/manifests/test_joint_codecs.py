"""Arrays join although chunks of some skipped a filter; no values change."""

from __future__ import annotations

from itertools import permutations

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.concat import concatenate, problems_of_concat, stack
from zarrchive.manifests.joint_codecs import joint_codecs
from zarrchive.manifests.values import values_of
from zarrchive.readers.open import read_group

SIZE = 2**18
SMOOTH = (np.arange(SIZE) // 100).astype("i4")
NOISE = np.random.default_rng(0).integers(0, 2**31, SIZE).astype("i4")
KINDS = {"smooth": [SMOOTH, SMOOTH + 1], "noise": [NOISE, NOISE + 1], "both": [NOISE, SMOOTH]}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """Virtual arrays of two chunks each, and their values, by compression and kind of values."""
    folder = tmp_path_factory.mktemp("arrays")
    made = {}
    for compression in ("lzf", "shuffled lzf", "gzip", "none"):
        for kind, rows in KINDS.items():
            keywords = {"compression": compression.split()[-1]} if compression != "none" else {}
            path = folder / f"{compression} {kind}.h5"
            with h5py.File(path, "w") as file:
                shuffle = "shuffled" in compression
                file.create_dataset(
                    "x", data=np.stack(rows), chunks=(1, SIZE), shuffle=shuffle, **keywords
                )
            made[compression, kind] = read_group(path).arrays["x"], np.stack(rows)
    return made


def _names(array) -> list[str]:
    return [document["name"] for document in codec_documents(array.metadata)][1:]


@pytest.mark.parametrize("compression", ["lzf", "shuffled lzf"])
@pytest.mark.parametrize("order", list(permutations(KINDS)))
def test_files_of_one_series_join(arrays, compression, order) -> None:
    parts = [arrays[compression, kind] for kind in order]
    alone = {tuple(_names(array)) for array, _ in parts}
    assert len(alone) == 3  # compressed, raw, and told apart
    whole = concatenate([array for array, _ in parts], axis=0)
    assert _names(whole)[-1] == "zarrchive.unless_raw"
    assert np.array_equal(values_of(whole), np.concatenate([values for _, values in parts]))
    piled = stack([array for array, _ in parts], axis=0)
    assert np.array_equal(values_of(piled), np.stack([values for _, values in parts]))


@given(
    keys=st.lists(
        st.tuples(st.sampled_from(["lzf", "gzip", "none"]), st.sampled_from(list(KINDS))),
        min_size=1,
        max_size=4,
    )
)
def test_law(arrays, keys) -> None:
    """Whatever joins has the values of its parts; whatever does not says that codecs differ."""
    parts = [arrays[key] for key in keys]
    virtual = [array for array, _ in parts]
    problems = problems_of_concat(virtual, axis=0)
    assert (joint_codecs(virtual) is None) == bool(problems)
    if problems:
        assert {problem.code for problem in problems} == {"concat-codecs"}
        with pytest.raises(ManifestError):
            concatenate(virtual, axis=0)
        return
    expected = np.concatenate([values for _, values in parts])
    assert np.array_equal(values_of(concatenate(virtual, axis=0)), expected)


def test_other_codecs_do_not_join(arrays) -> None:
    """A chunk of gzip may be as long as one of lzf."""
    assert joint_codecs([arrays["lzf", "smooth"][0], arrays["gzip", "smooth"][0]]) is None
    assert joint_codecs([arrays["lzf", "smooth"][0], arrays["shuffled lzf", "smooth"][0]]) is None
    first = arrays["lzf", "smooth"][0]
    assert joint_codecs([first, first]) == codec_documents(first.metadata)


def test_chunks_that_their_length_would_belie_do_not_join(arrays) -> None:
    """A compressed chunk that is as long as a raw one."""
    raw, compressed = arrays["lzf", "noise"][0], arrays["lzf", "smooth"][0]
    assert joint_codecs([raw, compressed]) is not None
    stored = compressed.manifest.stored()
    belied = type(compressed.manifest).from_columns(
        compressed.manifest.grid_shape,
        files=compressed.manifest.files,
        path_id=stored.path_id,
        offset=stored.offset,
        length=np.full(2, 4 * SIZE, np.uint64),
        positions=stored.position,
    )
    assert joint_codecs([raw, compressed.replaced(compressed.metadata, belied)]) is None
