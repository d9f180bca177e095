"""Headers have the messages that they have, however they are cut into blocks."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.readers.hdf5.file_bytes import HeldBytes, run
from zarrchive.readers.hdf5.header_parts import Headers
from zarrchive.readers.hdf5.object_header import read_header
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.superblock import read_superblock
from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.mutations import base_of, mutate

BASES = (
    "groups, alike",
    "netCDF4",
    "old groups",
    "attributes",
    "links, compact",
    "shared messages",
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    path = tmp_path_factory.mktemp("headers") / "file.h5"

    @cache
    def base(name):
        ATLAS[name].write(path)
        return base_of(path, name)

    return base


def cut(parts):
    """Yield kind, flags and body of each message."""
    at = 0
    for kind, flags, nbytes in parts.kinds:
        yield kind, flags, parts.data[at : at + nbytes]
        at += nbytes
    assert at == len(parts.data)


@given(name=st.sampled_from(BASES), seed=st.integers(0, 2**64))
def test_headers_have_the_messages_that_they_have(bases, name, seed) -> None:
    base = bases(name)
    mutant = mutate(base, Random(seed)).data  # noqa: S311 - not a secret
    for content in (base.data, mutant):
        data = HeldBytes(content, len(content))
        try:
            superblock = run(read_superblock(len(content)), data)
        except (Trouble, *PARSE_ERRORS):
            continue
        headers = Headers(superblock, data)
        for address in base.structures:
            try:
                messages = sorted(run(read_header(superblock, address - superblock.base), data))
            except (Trouble, *PARSE_ERRORS):
                messages = None
            parts = headers.parts(address - superblock.base)
            assert (None if parts is None else sorted(cut(parts))) == messages
