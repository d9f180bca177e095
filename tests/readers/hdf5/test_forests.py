"""Trees that are read together list what each of them lists alone."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.readers.hdf5 import forests, moulds
from zarrchive.testing.hdf5.mutations import base_of, mutate
from zarrchive.testing.hdf5.outcomes import outcome, without_h5py
from zarrchive.testing.hdf5_files import differences_from_h5py


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("forests") / "file.h5"


@contextmanager
def counting():
    """Count the trees that were read together."""
    counts = [0]
    read = forests.forest_chunks

    def counted(*arguments):
        tables = yield from read(*arguments)
        counts[0] += len(tables)
        return tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forests, "forest_chunks", counted)
        yield counts


def listed(path, *, together=True):
    """Read a file of which nothing is known."""
    moulds.forget()
    with pytest.MonkeyPatch.context() as patch:
        if not together:
            patch.setattr(forests, "_FEW", 10**9)
        return outcome(path)


@st.composite
def alike(draw):
    """Draw what several datasets of one grid have stored."""
    chunks = (draw(st.integers(1, 3)), draw(st.integers(1, 2)))
    shape = (chunks[0] * draw(st.integers(40, 90)) - draw(st.integers(0, chunks[0] - 1)), 5)
    options = draw(st.sampled_from([{}, {"compression": "gzip"}, {"fletcher32": True}]))
    kinds = st.sampled_from(["all", "all", "none", "first", "some", "odd mask"])
    return {
        "chunks": chunks,
        "shape": shape,
        "options": options,
        "stored": draw(st.lists(kinds, min_size=3, max_size=6)),
        "user_block": draw(st.sampled_from([0, 512])),
    }


def write(path, drawn, seed: int = 0) -> None:
    random = np.random.default_rng(seed)
    chunks, shape = drawn["chunks"], drawn["shape"]
    with h5py.File(path, "w", userblock_size=drawn["user_block"]) as file:
        for number, kind in enumerate(drawn["stored"]):
            data = file.create_dataset(f"v{number}", shape, "i2", chunks=chunks, **drawn["options"])
            values = random.integers(0, 1 + number, shape)
            if kind in {"all", "odd mask"}:
                data[...] = values
            if kind == "odd mask" and data.id.get_create_plist().get_nfilters():
                data.id.write_direct_chunk((0, 0), bytes(2 * chunks[0] * chunks[1]), 1)
            if kind == "first":
                data[0] = values[0]
            if kind == "some":
                for row in random.choice(shape[0], shape[0] // 2, replace=False):
                    data[row] = values[row]


@given(drawn=alike())
def test_tables_are_those_of_each_tree(path, drawn) -> None:
    write(path, drawn)
    found = listed(path)
    assert found == listed(path, together=False)
    assert differences_from_h5py(path, found) == []


def test_trees_are_read_together(path) -> None:
    drawn = {"chunks": (1, 5), "shape": (300, 5), "options": {}, "user_block": 0}
    write(path, {**drawn, "stored": ["all"] * 7})
    with counting() as counts:
        found = listed(path)
    assert counts[0] == 7
    assert all(one.manifest.nrefs == 300 for one in found.arrays.values())
    # Nothing holds on to the chunks of all of them.
    assert all(
        one.manifest.offset.base is None or one.manifest.offset.base.size == 300
        for one in found.arrays.values()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forests, "_MOST", 700)
        assert listed(path) == found
    # A tree of another depth: each is read alone.
    write(path, {**drawn, "stored": ["all"] * 3 + ["first"]})
    with counting() as counts:
        assert listed(path) == listed(path, together=False)
    assert counts[0] == 0


@pytest.fixture(scope="module")
def base(path):
    drawn = {"chunks": (1, 5), "shape": (300, 5), "options": {"compression": "gzip"}}
    write(path, {**drawn, "stored": ["all", "all", "all", "some"], "user_block": 0})
    return base_of(path, "forest")


@given(seed=st.integers(0, 2**64))
def test_damage_is_what_it_is_alone(path, base, seed) -> None:
    mutant = mutate(base, Random(seed))  # noqa: S311 - not a secret
    path.write_bytes(mutant.data)
    with without_h5py():
        assert listed(path) == listed(path, together=False), mutant.steps
