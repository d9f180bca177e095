"""Strings of fixed and varying length read as h5py reads them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t

from zarrchive.manifests.values import values_of


def _fixed(file, name, padding, raw: list[bytes]) -> None:
    tid = h5t.C_S1.copy()
    tid.set_size(len(raw[0]))
    tid.set_strpad(padding)
    dataset = h5d.create(file.id, name.encode(), tid, h5s.create_simple((len(raw),)))
    dataset.write(h5s.ALL, h5s.ALL, np.array(raw, f"S{len(raw[0])}"), tid)


def test_null_padded_strings_are_referenced(sample) -> None:
    with sample.writing() as file:
        file["x"] = np.array([b"abc", b"d", b""])
        encoded = np.array(["é".encode(), b"b"], h5py.string_dtype("utf-8", 4))
        file.create_dataset("utf8", data=encoded)
    group = sample.checked()
    assert group.arrays["x"].manifest.nrefs == 1
    assert values_of(group.arrays["utf8"])[0] == "é".encode()


@pytest.mark.parametrize(
    ("padding", "raw"),
    [(h5t.STR_SPACEPAD, [b"ab  ", b"a b "]), (h5t.STR_NULLTERM, [b"a\0xx", b"abcd"])],
    ids=["space padded", "rubbish behind the end"],
)
def test_other_padding_is_inlined(sample, padding, raw) -> None:
    with sample.writing() as file:
        _fixed(file, "x", padding, raw)
    group = sample.checked()
    assert group.arrays["x"].manifest.nrefs == 0
    assert group.all_problems() == ()


def test_large_padded_strings_are_referenced_with_a_warning(sample) -> None:
    with sample.writing() as file:
        _fixed(file, "x", h5t.STR_SPACEPAD, [b"abcd"] * (2**18 + 1))
    group = sample.read()
    (problem,) = group.all_problems()
    assert group.arrays["x"].manifest.nrefs == 1
    assert (problem.code, problem.severity) == ("hdf5-string-padding", "warning")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize("chunks", [None, (2,)])
def test_varying_length_is_inlined(sample, encoding, chunks) -> None:
    texts = ["a", "", "a longer one", "b", "\t"]
    with sample.writing() as file:
        file.create_dataset("x", data=texts, dtype=h5py.string_dtype(encoding), chunks=chunks)
    array = sample.checked().arrays["x"]
    assert array.manifest.nrefs == 0
    assert values_of(array).tolist() == texts


def test_varying_length_in_many_dimensions_and_scripts(sample) -> None:
    texts = np.array([["é", "日本"], ["", "🙂"]], dtype=object)
    with sample.writing() as file:
        file.create_dataset("x", data=texts, dtype=h5py.string_dtype())
        file.create_dataset("scalar", data="abc", dtype=h5py.string_dtype())
        file.create_dataset("empty", shape=(0, 3), dtype=h5py.string_dtype())
    group = sample.checked()
    assert values_of(group.arrays["x"]).tolist() == texts.tolist()
    assert values_of(group.arrays["scalar"]).item() == "abc"
    assert group.arrays["empty"].shape == (0, 3)


def test_many_strings_make_several_chunks(sample) -> None:
    texts = [str(i) for i in range(70_000)]
    with sample.writing() as file:
        file.create_dataset("x", data=texts, dtype=h5py.string_dtype(), chunks=(1000,))
    assert sample.checked().arrays["x"].manifest.ninlined == 2


def test_unwritten_strings_read_as_their_fill_value(sample) -> None:
    with sample.writing() as file:
        made = file.create_dataset(
            "x", (7,), h5py.string_dtype(), chunks=(2,), fillvalue="none", maxshape=(None,)
        )
        made[2:4] = ["a", "b"]
        file.create_dataset("nothing", (3,), h5py.string_dtype(), chunks=(2,))
    group = sample.read()
    expected = ["none", "none", "a", "b", "none", "none", "none"]
    assert values_of(group.arrays["x"]).tolist() == expected
    assert values_of(group.arrays["nothing"]).tolist() == ["", "", ""]
    assert group.arrays["nothing"].manifest.nstored == 0


def test_text_that_is_not_utf8_is_refused(sample) -> None:
    with sample.writing() as file:
        file.create_dataset("x", data=[b"caf\xe9"], dtype=h5py.string_dtype())
    (problem,) = sample.read().all_problems()
    assert (problem.code, problem.variable) == ("hdf5-text-encoding", "/x")
