"""Arrays of one file that are alike share their metadata; those that differ in a bit do not."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from zarrchive.readers import read_group

SAME = {"fill": 0.0, "units": "K", "scale": np.float32(0.5), "shape": (4, 3), "chunks": (2, 3)}
OTHERS = {
    "another fill value": {"fill": 1.0},
    "a fill value of other bits": {"fill": -0.0},
    "no number as fill value": {"fill": np.nan},
    "another text": {"units": "degC"},
    "a number of another type": {"scale": np.float64(0.5)},
    "a number of other bits": {"scale": np.float32(-0.0)},
    "an integer": {"scale": np.int32(0)},
    "a text in place of a number": {"scale": "0.5"},
    "an array": {"scale": np.array([0.5, 0.5], "f4")},
    "another shape": {"shape": (6, 3)},
    "other chunks": {"chunks": (1, 3)},
    "another type": {"dtype": "f8"},
    "another byte order": {"dtype": ">f4"},
    "another filter": {"compression": "gzip"},
}


def write(group: h5py.Group, number: int, **changes: object) -> None:
    """Write one dataset."""
    options = {**SAME, "dtype": "f4", "compression": None, **changes}
    made = group.create_dataset(
        "v",
        options["shape"],
        options["dtype"],
        chunks=options["chunks"],
        fillvalue=options["fill"],
        compression=options["compression"],
    )
    made.attrs["units"], made.attrs["scale"] = options["units"], options["scale"]
    made[...] = number


@pytest.mark.parametrize("change", OTHERS)
def test_what_differs_is_not_shared(tmp_path, change: str) -> None:
    path = tmp_path / "groups.h5"
    with h5py.File(path, "w") as file:
        for number in range(6):
            write(
                file.create_group(f"g{number}"), number, **(OTHERS[change] if number == 3 else {})
            )
    root = read_group(path)
    arrays = [root.groups[f"g{number}"].arrays["v"] for number in range(6)]
    odd = arrays.pop(3)
    assert len({id(array.metadata) for array in arrays}) == 1
    assert odd.metadata is not arrays[0].metadata
    for number, array in zip((0, 1, 2, 4, 5), arrays, strict=True):
        alone = read_group(path, group=f"g{number}").arrays["v"]
        assert array.metadata.to_dict() == alone.metadata.to_dict()
        assert array.manifest == alone.manifest
        assert array.name == "v"
    alone = read_group(path, group="g3").arrays["v"]
    assert repr(odd.metadata.to_dict()) == repr(alone.metadata.to_dict())
    with h5py.File(path) as file:
        for name in ("units", "scale"):
            here, there = odd.attributes[name], file["g3/v"].attrs[name]
            assert np.asarray(here).tobytes() == np.asarray(there).tobytes()


def test_arrays_that_can_be_changed_are_not_shared(tmp_path) -> None:
    path = tmp_path / "groups.h5"
    with h5py.File(path, "w") as file:
        for number in range(3):
            write(file.create_group(f"g{number}"), number, scale=np.array([1, 2], "i4"))
    root = read_group(path)
    first, second, _ = (group.arrays["v"] for group in root.groups.values())
    first.attributes["scale"][0] = 9
    assert second.attributes["scale"].tolist() == [1, 2]
