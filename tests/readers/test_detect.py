"""Formats by content: judged by files that other libraries wrote, and by what is no data."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from dataclasses import dataclass, field

import h5py
import netCDF4
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import FormatError, PluginError
from zarrchive.plugins import PluginTable
from zarrchive.readers import Match, detect, format_of, sniff
from zarrchive.readers.signatures import HDF5_SIGNATURE
from zarrchive.testing.sources import CountingSource, MemorySource


def hdf5(*, user_block: int = 0) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=user_block) as file:
        file["x"] = np.arange(3)
    return buffer.getvalue()


def netcdf(kind: str) -> bytes:
    dataset = netCDF4.Dataset("made-in-memory.nc", "w", format=kind, memory=1024)
    dataset.createDimension("x", 3)
    return bytes(dataset.close())


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.nc", b"x")
    return buffer.getvalue()


KINDS = {
    "hdf5": [hdf5(), hdf5(user_block=512), hdf5(user_block=2048), netcdf("NETCDF4")],
    "netcdf3": [netcdf(f"NETCDF3_{kind}") for kind in ("CLASSIC", "64BIT_OFFSET", "64BIT_DATA")],
    "gzip": [gzip.compress(b"x")],
    "bzip2": [bz2.compress(b"x")],
    "zip": [zipped()],
    "grib": [b"GRIB\0\0\0\x02"],
    "tiff": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"],
    "fits": [b"SIMPLE  =                    T"],
    "hdf4": [b"\x0e\x03\x13\x01\0\0"],
    "html": [
        b"<!DOCTYPE html><html>",
        b"\xef\xbb\xbf\n <HTML lang='en'>",
        b"<!-- x -->\n<html>",
        b'<?xml version="1.0"?><!DOCTYPE html PUBLIC>',
    ],
    "xml": [b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"],
    "json": [json.dumps({"version": 1, "refs": {}}).encode(), b"\n[1]"],
    "text": [b"Dataset { Float32 x; } y;", "Temperatur in \u00b0C".encode(), b"a\tb\r\n"],
    "git-lfs": [b"version https://git-lfs.github.com/spec/v1\noid sha256:0"],
    "zeros": [bytes(600)],
    "empty": [b""],
}


@pytest.mark.parametrize(
    ("key", "number"), [(key, at) for key, some in KINDS.items() for at in range(len(some))]
)
def test_known_kinds(key, number) -> None:
    content = KINDS[key][number]
    found = sniff(content[:4096])
    assert found is not None
    assert found.key == key
    if content:
        assert format_of(MemorySource(content)) == found


@given(st.binary(max_size=64))
def test_any_bytes_get_an_answer(content) -> None:
    found = sniff(content)
    assert found is None or found.title


@given(st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1, max_size=50))
def test_text_cut_within_a_character_is_text(text) -> None:
    whole = text.encode()
    for end in range(max(1, len(whole) - 2), len(whole) + 1):
        assert sniff(whole[:end]) is not None


@dataclass
class StandIn:
    """A reader that claims what it is told to claim."""

    name: str
    answer: Match | Exception
    formats: tuple[str, ...] = ("Stand-in",)
    heads: list[bytes] = field(default_factory=list)

    def match(self, head, url):
        self.heads.append(head)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def read(self, source, *, group=None, inline=frozenset()):
        raise NotImplementedError


@pytest.fixture
def install(monkeypatch):
    """Replace the installed readers."""
    installed: list[StandIn] = []
    monkeypatch.setattr(PluginTable, "usable", lambda _: installed)
    return installed.extend


@pytest.mark.parametrize("size", [512, 4096, 2**16, 2**20])
@pytest.mark.parametrize("fill", [b"\0", b"text ", b"\xfe\x01"], ids=["zeros", "text", "binary"])
def test_hdf5_behind_a_user_block(install, size, fill) -> None:
    data = bytearray(hdf5(user_block=size))
    data[:size] = (fill * size)[:size]
    source = CountingSource(MemorySource(bytes(data)))
    assert format_of(source).key == "hdf5"
    assert source.batches <= 2
    assert source.bytes_read < 4096 + 200
    reader = StandIn("hdf5", Match.NO)
    install([reader])
    with pytest.raises(FormatError, match="is HDF5"):
        detect(source)
    assert reader.heads[-1].startswith(HDF5_SIGNATURE)


def test_the_surest_wins_and_then_the_first(install) -> None:
    no, maybe = StandIn("a", Match.NO), StandIn("b", Match.MAYBE)
    sure, also = StandIn("c", Match.YES), StandIn("d", Match.YES)
    install([no, maybe, sure, also])
    assert detect(MemorySource(b"content")) is sure
    assert no.heads == [b"content"]
    assert detect(MemorySource(b"content"), reader=no) is no


def test_a_reader_that_fails_hides_no_other(install) -> None:
    install([StandIn("a", KeyError("x")), StandIn("b", Match.MAYBE)])
    assert detect(MemorySource(b"content")).name == "b"


def test_readers_see_at_most_4096_bytes(install) -> None:
    reader = StandIn("a", Match.YES)
    install([reader])
    source = CountingSource(MemorySource(bytes([7]) * 10_000))
    detect(source)
    assert max(map(len, reader.heads)) == 4096


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "file-empty", "0 bytes"),
        (b"<html><body>Sign in</body>", "format-not-data", "login or error page"),
        (b"version https://git-lfs.github.com/spec/v1", "format-not-data", "Git LFS"),
        (bytes(5000), "format-not-data", "zero bytes"),
        (b"CDF\x01" + bytes(60), "format-no-reader", "netCDF-3 (classic), for which no reader"),
        (b"\x1f\x8b\x08\0", "format-no-reader", "gzip"),
        (b"\xfe\xfe\x01", "format-unknown", "xfe"),
    ],
)
def test_what_no_reader_reads_is_named(install, content, code, says) -> None:
    with pytest.raises(FormatError) as caught:
        detect(MemorySource(content, url="/d/a.nc"))
    problem = caught.value.problem
    assert problem.code == code
    assert says in problem.what
    assert problem.where == "/d/a.nc"
    assert problem.hint


def test_an_empty_file_is_said_to_be_empty_even_with_a_reader_named() -> None:
    with pytest.raises(FormatError, match="file-empty"):
        detect(MemorySource(b""), reader="hdf5")


def test_a_reader_that_is_not_installed() -> None:
    with pytest.raises(PluginError, match="installed are"):
        detect(MemorySource(b"x"), reader="hdf6")
