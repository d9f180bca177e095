"""What travels with a virtual dataset besides its variables: problems, and where it came from.

It lies in ``encoding``, which xarray keeps through most operations and pickles, which no
backend writes to an output, and which plays no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zarrchive.errors import Problem

__all__ = ["RAW", "Notes", "add_problems", "notes_of", "set_notes"]

_KEY: Final = "zarrchive"
RAW: Final = "zarrchive_raw"
"""In the encoding of a loaded variable: its values as the file has them, as a `ManifestArray`."""

Noted: TypeAlias = xr.Dataset | xr.DataTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What is known of a virtual dataset, or of one group of a virtual tree."""

    problems: tuple[Problem, ...] = ()
    decode_times: bool | xr.coders.CFDatetimeCoder = True
    """How loaded times were decoded."""
    shadowed: Mapping[str, xr.Variable] = field(default_factory=dict)
    """Coordinates of a group that equal those of a group above it, from which xarray takes
    them."""


_NOTHING: Final = Notes()


def notes_of(data: Noted) -> Notes:
    """Return the notes of a dataset, or of the topmost group of a tree."""
    found = data.encoding.get(_KEY)
    return found if isinstance(found, Notes) else _NOTHING


def set_notes(data: Noted, notes: Notes) -> None:
    """Attach notes, replacing those that are there."""
    data.encoding = {**data.encoding, _KEY: notes}


def add_problems(data: Noted, problems: Iterable[Problem]) -> None:
    """Add problems to those that travel with `data`, each once."""
    notes = notes_of(data)
    merged = tuple(dict.fromkeys((*notes.problems, *problems)))
    set_notes(data, replace(notes, problems=merged))
