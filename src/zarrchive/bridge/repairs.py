"""What repairs may do, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["REPAIR_LIMIT", "Repairs"]

REPAIR_LIMIT: Final = 2**26
"""Bytes of values that repairs may copy, unless told otherwise."""


@dataclass(slots=True)
class Repairs:
    """What may be done, and what was done."""

    limit: int
    """Bytes of decoded values that may still be copied into the dataset."""
    storage_options: Mapping[str, Any] | None
    problems: list[Problem]

    def note(self, name: object, files: Sequence[str], total: int, what: str, hint: str) -> None:
        """Say what was done to a variable."""
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        self.problems.append(
            Problem(
                code="combine-repaired",
                where=files[0],
                what=f"{name!r} {what} ({files[0]}{more}, {len(files)} of {total} files)",
                hint=hint,
                variable=str(name),
                severity="warning",
            )
        )
