"""Find out whether files fit together, before anything is combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from zarrchive.bridge.datatree import from_datatree
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.many_files import expanded, leaves
from zarrchive.combine.contents import Contents
from zarrchive.combine.infer import Choice, propose
from zarrchive.combine.plan import Remedy
from zarrchive.combine.report import CompatibilityReport
from zarrchive.errors import Problem, ZarrchiveError
from zarrchive.readers import read_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.bridge.open import StrPath
    from zarrchive.combine.plan import Finding
    from zarrchive.readers import Reader

__all__ = ["check"]


def check(  # noqa: PLR0913 - the choices of opening and of combining
    files: StrPath | Sequence[Any] | Mapping[str, xr.Dataset | xr.DataTree],
    *,
    concat_dim: str | None = None,
    group: str | None = None,
    reader: str | Reader | None = None,
    drop_variables: Sequence[str] = (),
    storage_options: Mapping[str, Any] | None = None,
) -> CompatibilityReport:
    """Compare files in everything that combining them depends on.

    Structure is compared by what is stored: presence, dimensions, shapes, types with their byte
    order, chunks, codecs as far as decoding is concerned, fill values, packing, units. Values
    are read of coordinates, and of small variables that are not joined.

    Parameters
    ----------
    files
        As `zarrchive.open_virtual_mfdataset` takes them; or virtual datasets or trees, by name.
    concat_dim
        Dimension to join along; by default the coordinates that differ decide.
    group
        Path of the group to begin at; by default the root, with all groups below.
    reader, storage_options
        See `zarrchive.open_virtual_dataset`.
    drop_variables
        Absolute paths of variables that do not matter.

    Returns
    -------
    CompatibilityReport
        True where all files can be read and combined as they are. Nothing about a file raises.

    Raises
    ------
    LocationError
        If a pattern or folder names no file.
    """
    failed: dict[str, Problem] = {}
    contents: list[Contents] = []
    if isinstance(files, Mapping):
        names = list(files)
        contents = [_of_data(name, data, storage_options) for name, data in files.items()]
    else:
        names = list(leaves(expanded(files, storage_options)))
        for url in names:
            try:
                root = read_group(
                    url, reader=reader, group=group, inline=None, storage_options=storage_options
                )
            except ZarrchiveError as error:
                failed[url] = error.problem
            else:
                contents.append(Contents(url, root, storage_options))
    if not contents:
        return CompatibilityReport(files=tuple(names), unreadable=tuple(failed.values()), plan=None)
    choice = Choice(
        how="auto" if concat_dim is None else "concat",
        dim=concat_dim or "",
        unpicked=frozenset(drop_variables),
    )
    plan = propose(contents, choice)
    findings = [_graver(finding, are_sorted=concat_dim is None) for finding in plan.findings]
    ordered = sorted(findings, key=lambda finding: finding.problem.severity != "error")
    return CompatibilityReport(
        files=tuple(names),
        unreadable=tuple(failed.values()),
        plan=plan,
        findings=tuple(ordered),
        groups=plan.groups,
    )


def _graver(finding: Finding, *, are_sorted: bool) -> Finding:
    """Take findings for what they are to `open_virtual_mfdataset`: errors.

    Those are repeated labels, and files that overlap where coordinates decide on their order.
    """
    if finding.problem.code == "combine-overlap" and are_sorted:
        return replace(finding, problem=replace(finding.problem, severity="error"))
    if finding.problem.code != "combine-duplicates":
        return finding
    remedy = Remedy("Repair it, if the values are the same", {})
    problem = replace(finding.problem, severity="error")
    return replace(finding, problem=problem, remedies=(remedy, *finding.remedies))


def _of_data(
    name: str, data: xr.Dataset | xr.DataTree, storage_options: Mapping[str, Any] | None
) -> Contents:
    root = from_datatree(data) if isinstance(data, xr.DataTree) else from_dataset(data)
    return Contents(name, root, storage_options)
