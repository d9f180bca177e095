"""What is compared, and what follows where it differs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zarrchive.errors import Problem

__all__ = ["CHECKS", "check_of", "consequence_of"]

CHECKS: Final = MappingProxyType(
    {
        "readable": (),
        "presence": ("combine-missing-variable",),
        "dimensions": ("combine-dims",),
        "shape": ("combine-shape", "combine-parts"),
        "type": ("combine-dtype",),
        "chunks": ("combine-chunks", "combine-ragged"),
        "codecs": ("combine-codecs",),
        "fill value": ("combine-fill",),
        "packing": ("combine-packing",),
        "units": ("combine-units", "combine-calendar"),
        "meaning": ("combine-meaning",),
        "attributes": ("combine-attributes",),
        "values": ("combine-coordinate", "combine-values", "combine-values-not-compared"),
        "order": ("combine-overlap", "combine-duplicates", "combine-direction", "combine-gap"),
    }
)
"""What is compared, with the codes of the problems that it may find."""

_CHECK_OF: Final = {code: check for check, codes in CHECKS.items() for code in codes}

_CONSEQUENCES: Final = MappingProxyType(
    {
        "combine-missing-variable": "the variable has no references where the files lack it",
        "combine-dims": "the values do not lie along the same axes",
        "combine-shape": "the values cannot be put side by side",
        "combine-parts": "the parts have no common length",
        "combine-dtype": "one array has one data type: references alone cannot convert",
        "combine-chunks": "one array has one chunk shape: references alone cannot cut chunks",
        "combine-ragged": "the chunks of the next file would begin within a chunk",
        "combine-codecs": "one array has one chain of codecs: other chunks would not decode",
        "combine-fill": "what was never written would read as another value",
        "combine-packing": "stored numbers would be decoded as other values",
        "combine-calendar": "dates of different calendars cannot be put in one order",
        "combine-units": "numbers of different units would stand side by side",
        "combine-meaning": "the result says of all values what the first file says of its own",
        "combine-attributes": "the result has the attributes of the first file",
        "combine-coordinate": "labels of one file would stand beside values of another place",
        "combine-values": "the result has the values of the first file",
        "combine-values-not-compared": "the result has the values of the first file",
        "combine-overlap": "the joined coordinate is not in order, or repeats",
        "combine-duplicates": "selecting such a label gives several values",
        "combine-direction": "the joined coordinate turns back",
        "combine-gap": "the joined coordinate has an uneven step",
    }
)


def consequence_of(problem: Problem) -> str:
    """Return what follows where nothing is done about a problem."""
    return _CONSEQUENCES.get(problem.code, "")


def check_of(problem: Problem) -> str:
    """Return the name of the check that found a problem."""
    return _CHECK_OF.get(problem.code, "readable")
