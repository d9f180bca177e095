"""Hierarchies as bytes and back: exact, or an error that says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.manifests import ManifestGroup
from zarrchive.manifests.packing import pack, unpack
from zarrchive.readers import read_group
from zarrchive.testing.strategies import manifest_groups


@given(manifest_groups())
def test_a_hierarchy_comes_back_as_it_was(group) -> None:
    data = pack(group)
    again = unpack(data)
    assert again == group
    assert pack(again) == data
    assert [list(one.groups) for _, one in again.walk()] == [
        list(one.groups) for _, one in group.walk()
    ]


VALUES = {
    "text": "µ",
    "truth": True,
    "nothing": None,
    "number": 2**70,
    "float": float("nan"),
    "negative zero": -0.0,
    "bytes": b"\x00\xff",
    "nan with a payload": np.frombuffer(b"\x01\x00\xc0\x7f", "<f4")[0],
    "wide": np.longdouble(1) / 3,
    "big": np.array([[1, 2], [3, 4]], dtype=">i2"),
    "of no elements": np.zeros((0, 3), dtype="f4"),
    "texts": np.array(["a", "b"], dtype=object),
    "list": ["a", ["b", np.int8(3)]],
    "tuple": (1, "a"),
    "byte string": np.bytes_(b"ab"),
    "empty byte string": np.array(b"", dtype="S"),
    "pairs": np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", ">f8")]),
    "nested": np.zeros(1, dtype=[("a", [("b", "<i4", (2,)), ("c", "S3")])])[0],
    "time": np.datetime64("2020-01-01", "D"),
    "complex": np.complex64(1 + 2j),
}


@pytest.mark.parametrize("name", VALUES)
def test_attributes_keep_their_exact_type(name) -> None:
    value = VALUES[name]
    found = unpack(pack(ManifestGroup(attributes={name: value}))).attributes[name]
    assert type(found) is type(value)
    if isinstance(value, np.ndarray | np.generic):
        assert found.dtype == value.dtype
        assert found.shape == value.shape
        if value.dtype.kind == "O" or value.dtype == np.longdouble:  # whose padding is arbitrary
            assert found.tolist() == value.tolist()
        else:
            assert found.tobytes() == value.tobytes()
    else:
        assert repr(found) == repr(value)


def test_what_no_reader_makes_is_refused() -> None:
    with pytest.raises(TypeError, match="complex is no value that a reader makes"):
        pack(ManifestGroup(attributes={"z": 1j}))


@given(manifest_groups(max_leaves=2), st.data())
def test_damage_is_noticed(group, data) -> None:
    whole = pack(group)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    damaged = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
    with pytest.raises(ValueError, match=r"no packed hierarchy|too few"):
        unpack(damaged)
    with pytest.raises(ValueError, match=r"no packed hierarchy|too few"):
        unpack(whole[:at])


def test_the_files_of_the_demo(demo_folder) -> None:
    for path in sorted(demo_folder.rglob("*.nc")):
        if path.parent.name == "odd":
            continue
        group = read_group(path, inline=None)
        assert unpack(pack(group)) == group
