"""The datasets that a virtual dataset shows, in its own file or in others of its folder."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from zarrchive.errors import FormatError, LocationError
from zarrchive.location.beside import open_beside
from zarrchive.readers.hdf5.facts import read_facts
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.objects import NotThere
from zarrchive.readers.hdf5.opened import opened
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import Trouble
from zarrchive.readers.hdf5.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["SourceError", "dataset_in", "source_file"]


class SourceError(Exception):
    """Why a source of a virtual dataset cannot be had."""

    def __init__(self, what: str, hint: str, *, is_missing: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.is_missing = is_missing


@contextmanager
def source_file(file: OpenFile, name: str) -> Iterator[OpenFile]:
    """Open the file that a virtual dataset of `file` calls `name`.

    Raises `SourceError` where it is missing, outside of the folder of `file`, or no HDF5 file.
    """
    if name == ".":
        yield file
        return
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_beside(file.source, name, may_have_moved=True))
            is_same = source.file == file.source.file
            found = file if is_same else stack.enter_context(opened(source, frozenset()))
        except (LocationError, FormatError) as error:
            problem = error.problem
            is_missing = problem.code == "location-missing"
            raise SourceError(
                f"{problem.where}: {problem.what}", problem.hint, is_missing=is_missing
            ) from error
        yield found


def dataset_in(file: OpenFile, path: str) -> Facts:
    """Look at the dataset `path` of a file.

    Raises `SourceError` where there is none.
    """
    raw = path.encode("utf-8", "surrogateescape")
    scan = Scan(file)
    address = run(scan.find(raw), file.data)
    if isinstance(address, NotThere):
        what = f"{file.where} has no dataset {path!r} ({address.why})"
        raise SourceError(what, _HINT, is_missing=True)
    run(scan.read({address: raw}), file.data)
    found = scan.by_address[address]
    if isinstance(found, Reason):
        raise SourceError(f"{file.where} has no dataset {path!r} ({found.what})", found.hint)
    if found.kind != "dataset":
        raise SourceError(f"{path!r} of {file.where} is no dataset", _HINT)
    (facts,) = run(read_facts(file, [found]), file.data)
    if isinstance(facts, Trouble):
        raise SourceError(f"{file.where} has no dataset {path!r} ({facts})", _HINT)
    return facts


_HINT = "compare the file with the original, or ask its author for the missing part"
