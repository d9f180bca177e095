"""What is said of links that cannot be followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.links import Link
    from zarrchive.readers.hdf5.objects import NotThere

__all__ = ["MOST_REPEATED", "cycle", "leads_nowhere", "maze", "other_file", "unknown_link"]

MOST_REPEATED: Final = 1000
"""Groups shown again under further names, before links are taken for an endless maze."""


def other_file(link: Link, why: str, hint: str = "") -> Reason:
    """Say that an external link leads into another file, but not `why` to anything."""
    target, file = (part.decode("utf-8", "replace") for part in (link.target, link.file))
    why, hint = (text.encode("utf-8", "replace").decode() for text in (why, hint))  # to be shown
    return Reason(
        code="hdf5-link-external",
        what=f"it is a link to {target!r} in another file, {file!r}, which leads nowhere: {why}",
        hint=hint or "put that file beside this one, or ask its author for the missing object",
    )


def leads_nowhere(link: Link, found: NotThere) -> Reason:
    """Say that a soft link leads nowhere in this file."""
    return Reason(
        code="hdf5-link-dangling",
        what=f"it is a soft link to {link.target.decode('utf-8', 'replace')!r}, which leads "
        f"nowhere ({found.why})",
        hint="nothing is lost in this file; ask its author for the missing object",
    )


def unknown_link(link: Link) -> Reason:
    """Say that a link is of a kind that only its author knows."""
    return Reason(
        code="hdf5-link-unknown",
        what=f"it is a link of the user-defined type {link.kind}",
        hint="open it with the software that wrote the file",
    )


def cycle() -> Reason:
    """Say that a group is shown inside of itself."""
    return Reason(
        code="hdf5-link-cycle",
        what="it is a link to a group that it lies in itself",
        hint="nothing is lost; use the shorter path",
        severity="warning",
    )


def maze() -> Reason:
    """Say that a group was shown often enough."""
    return Reason(
        code="hdf5-link-repeated",
        what=f"it is a further link to a group shown elsewhere; {MOST_REPEATED} such are shown",
        hint="nothing is lost; use the other path of this group",
        severity="warning",
    )
