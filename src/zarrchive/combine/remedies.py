"""What can be done about files that do not fit, in words and as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.combine.plan import Remedy
from zarrchive.location import name as name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["files_named", "leave_out_files", "leave_out_variable"]


def files_named(urls: Sequence[str]) -> str:
    """Name the first file, and how many more there are."""
    others = len(urls) - 1
    first = name_of(urls[0])
    return first if not others else f"{first} and {others} other{'s' if others > 1 else ''}"


def leave_out_files(urls: Sequence[str]) -> Remedy:
    """Offer to leave files out."""
    return Remedy(f"Leave out {files_named(urls)}", {"type": "LeaveOut", "urls": list(urls)})


def leave_out_variable(path: str) -> Remedy:
    """Offer to leave a variable out."""
    return Remedy(f"Leave out {path}", {"type": "PickVariables", "paths": [path], "on": False})
