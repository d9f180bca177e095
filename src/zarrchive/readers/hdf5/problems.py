"""Reasons why something of an HDF5 file is left out, and what h5py raises on damaged files."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from zarrchive.errors import Problem, Severity

__all__ = ["H5PY_ERRORS", "Reason", "damaged", "refusal_of"]

H5PY_ERRORS: Final = (
    OSError,
    RuntimeError,  # includes NotImplementedError and RecursionError
    LookupError,
    ValueError,  # includes UnicodeError
    TypeError,
    ArithmeticError,
    AttributeError,
    MemoryError,  # a damaged size that HDF5 believes
    SystemError,
    struct.error,
)
"""What h5py raises on files that break the format; the HDF5 library itself has one error only."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A `Problem` whose place is not known yet."""

    code: str
    what: str
    hint: str
    severity: Severity = "error"

    def at(self, where: str, variable: str) -> Problem:
        """Return the Problem of `variable` (absolute path) in the file `where`."""
        return Problem(
            code=self.code,
            where=where,
            what=self.what,
            hint=self.hint,
            variable=variable,
            severity=self.severity,
        )


def damaged(error: BaseException, what: str) -> Reason:
    """Say that HDF5 failed on `what`, in its own words."""
    words = " ".join(str(error).split()) or type(error).__name__
    return Reason(
        code="hdf5-damaged",
        what=f"HDF5 cannot read {what}: {words}",
        hint="compare the file with the original; h5dump or h5debug show where it is damaged",
    )


def refusal_of(error: BaseException) -> Reason:
    """Say what is wrong with a structure of the file, in the words of whoever parsed it."""
    words = " ".join(str(error).split()) or type(error).__name__
    return Reason(
        code="hdf5-damaged",
        what=words,
        hint="compare the file with the original; h5dump or h5debug show where it is damaged",
    )
