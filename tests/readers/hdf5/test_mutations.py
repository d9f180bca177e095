"""Damaged files: the values that h5py reads, or a Problem; never a crash, never something else.

HDF5 itself crashes and hangs on some of them, so a process of its own reads them.
`tests/fuzz/hdf5.py` does the same for as long as one likes.
"""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.mutations import base_of, mutate
from zarrchive.testing.hdf5.worker import Worker

BASES = (
    *("links, compact", "links, dense and filtered", "indexes", "B-tree 1, deep"),
    *("storage", "shared messages, in a B-tree", "user block, earliest", "netCDF4"),
)


@pytest.fixture(scope="module")
def worker():
    with Worker(seconds=10) as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("mutations") / "file.h5"


@pytest.fixture(scope="module")
def base_named(path):
    @cache
    def base(name):
        ATLAS[name].write(path)
        return base_of(path, name)

    return base


# Each example is many times quicker than that of another law; a smaller seed is no simpler.
@settings(
    max_examples=3 * settings().max_examples,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(name=st.sampled_from(BASES), seed=st.integers(0, 2**64), is_remote=st.booleans())
def test_damage_never_goes_unnoticed(worker, base_named, path, name, seed, is_remote) -> None:
    mutant = mutate(base_named(name), Random(seed))  # noqa: S311 - not a secret
    path.write_bytes(mutant.data)
    outcome = worker.examine(path, is_damaged=True, is_remote=is_remote, most_chunks=16)
    assert outcome.silent == [], mutant.steps
