"""Whatever h5py can write comes back bit for bit, read by zarr from the file's own bytes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given

from zarrchive.readers.open import read_group
from zarrchive.testing.hdf5_files import DatasetRecipe, dataset_recipes, differences_from_h5py


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("laws") / "file.h5"


@given(recipe=dataset_recipes())
def test_values_equal_h5py(path, recipe: DatasetRecipe) -> None:
    recipe.write(path)
    group = read_group(path)
    assert group.all_problems() == ()
    assert differences_from_h5py(path, group) == []


@given(recipe=dataset_recipes())
def test_inlined_values_equal_referenced_values(path, recipe: DatasetRecipe) -> None:
    recipe.write(path)
    group = read_group(path, inline=frozenset({"x"}))
    assert group.arrays["x"].manifest.nrefs == 0
    assert differences_from_h5py(path, group) == []


def test_the_judge_notices_one_wrong_bit(tmp_path) -> None:
    written, other = tmp_path / "a.h5", tmp_path / "b.h5"
    for target, value in ((written, 0.0), (other, -0.0)):
        with h5py.File(target, "w") as file:
            file["x"] = np.array([1.0, value])
    assert differences_from_h5py(written, read_group(other)) != []


def test_the_judge_notices_a_dropped_variable(tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1]
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["y"] = [1]
    group = read_group(tmp_path / "a.h5")
    assert differences_from_h5py(tmp_path / "b.h5", group) == ["/y is missing without a Problem"]
