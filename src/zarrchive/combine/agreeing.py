"""Files that do not fit, in groups of those that do: what splitting them makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.combine.fit import findings_of
from zarrchive.combine.plan import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Finding, Plan

__all__ = ["fitting_groups", "part_name", "split_remedy"]

_MOST_OFFERED: Final = 12
"""Groups up to which splitting is offered: with more of them, something else is wrong."""


def fitting_groups(
    plan: Plan, files: Sequence[Contents], findings: Iterable[Finding] | None = None
) -> list[list[Contents]]:
    """Return files in groups whose members agree in everything that keeps files apart.

    Parameters
    ----------
    plan
        How files are to be joined.
    files
        In the order in which groups, by their first files, and members are returned. What only
        warns, and what concerns their order, splits nothing.
    findings
        What comparing all of them has found, where that is known.
    """
    known = findings_of(plan, [files]) if findings is None else findings
    groups = _told_apart(known, files)
    if len(groups) < 2:
        return groups
    # One difference may hide another: files of other types are not compared in their codecs.
    again = [part for group in groups for part in fitting_groups(plan, group)]
    place = {contents.url: number for number, contents in enumerate(files)}
    return sorted(again, key=lambda group: place[group[0].url])


def _told_apart(findings: Iterable[Finding], files: Sequence[Contents]) -> list[list[Contents]]:
    keys: dict[str, list[tuple[int, int]]] = {contents.url: [] for contents in files}
    for number, finding in enumerate(findings):
        if finding.problem.severity != "error":
            continue
        for kind, group in enumerate(finding.groups):
            for url in group.files:
                keys[url].append((number, kind))
    groups: dict[tuple[tuple[int, int], ...], list[Contents]] = {}
    for contents in files:
        groups.setdefault(tuple(keys[contents.url]), []).append(contents)
    return list(groups.values())


def part_name(number: int) -> str:
    """Name the group of the tree that holds part `number`, counted from 0."""
    return f"part_{number + 1}"


def split_remedy(count: int) -> Remedy | None:
    """Offer to split files into so many groups that agree, where these are few."""
    if not 1 < count <= _MOST_OFFERED:
        return None
    label = f"Split into {count} groups of files that agree"
    return Remedy(label, {"type": "ChooseCombine", "how": "split"})
