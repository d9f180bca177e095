"""Kerchunk references in parquet: a folder with ``.zmetadata`` and tables of references.

See https://fsspec.github.io/kerchunk/spec.html#parquet-references. Row ``i`` of table ``k`` of an
array is the chunk with flat index ``k * record_size + i``. Readers load a table when they need
it. Only Zarr v2 metadata can be written: readers look for ``.zarray``.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarrchive.errors import Problem, WriteError
from zarrchive.location.url import is_local, normalise
from zarrchive.writers.atomic import replaced_folder
from zarrchive.writers.consolidated import consolidated_v2
from zarrchive.writers.plan import Node, ReferencePlan, plan_references
from zarrchive.writers.reference_tables import (
    RECORD_SIZE,
    problem_of_pyarrow,
    reference_tables,
    table_count,
    write_table,
)
from zarrchive.writers.size import predicted_documents
from zarrchive.writers.summary import summary_of
from zarrchive.writers.target import problems_of_target, shown, source_paths
from zarrchive.writers.written import report_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests import ManifestGroup
    from zarrchive.writers.protocol import OnProblem, Progress, WriteReport, ZarrFormat

__all__ = ["KerchunkParquetWriter"]

_MOST_TABLES = 10_000
"""Tables of one array: each is a file, also where no chunk of it is stored."""
_LONGEST_NAME = 255
"""Bytes of a file name."""


@dataclass(frozen=True, slots=True)
class KerchunkParquetWriter:
    """Write a folder of parquet files; good for millions of references.

    Whoever opened the old set and reads on while it is replaced gets tables of the new one.
    """

    name: str = "kerchunk-parquet"
    label: str = "Kerchunk parquet"
    formats: tuple[ZarrFormat, ...] = (2,)

    def problems_of(
        self, group: ManifestGroup, *, path: str | None = None, zarr_format: ZarrFormat = 2
    ) -> list[Problem]:
        plan = self._plan(group, path)
        where = self.label if path is None else shown(path)
        problems = self._problems_of_set(plan, path, zarr_format)
        return [*problems, *plan.problems, *_warnings(plan, where)]

    def predicted_size(self, group: ManifestGroup, *, zarr_format: ZarrFormat = 2) -> int:  # noqa: ARG002 - there is only one
        arrays = [
            (here, name, array)
            for here, below in group.walk()
            for name, array in below.arrays.items()
        ]
        # Measured: 1.5 to 5 bytes a reference, and some 1200 for each table.
        return sum(
            predicted_documents(*item)
            + 3 * item[2].manifest.nrefs
            + 1200 * table_count(item[2].manifest)
            + sum(map(len, item[2].manifest.inlined))
            for item in arrays
        )

    def write(  # noqa: PLR0913 - the choices of an export
        self,
        group: ManifestGroup,
        path: str,
        *,
        zarr_format: ZarrFormat = 2,
        on_problem: OnProblem = "raise",
        storage_options: Mapping[str, Any] | None = None,  # noqa: ARG002 - local only
        progress: Progress | None = None,
    ) -> WriteReport:
        start = time.perf_counter()
        plan = self._plan(group, path)
        refused = self._problems_of_set(plan, path, zarr_format)
        if on_problem == "raise":
            refused += plan.errors
        if refused:
            raise WriteError(*refused)
        with replaced_folder(Path(normalise(path))) as folder:
            size = _write(plan, folder, progress)
        where = shown(path)
        return report_of(
            plan,
            path=where,
            format=self.name,
            size=size,
            start=start,
            warnings=_warnings(plan, where),
        )

    def _plan(self, group: ManifestGroup, path: str | None) -> ReferencePlan:
        where = self.label if path is None else shown(path)
        return plan_references(
            group, where=where, zarr_format=2, refuse=lambda node: _problems_of_node(node, where)
        )

    def _problems_of_set(
        self, plan: ReferencePlan, path: str | None, zarr_format: ZarrFormat
    ) -> list[Problem]:
        """List what speaks against the set as a whole."""
        where = self.label if path is None else shown(path)
        problems = problem_of_pyarrow(where)
        if zarr_format != 2:
            problems.append(
                Problem(
                    code="parquet-zarr-format",
                    where=where,
                    what=f"zarr_format is {zarr_format}, but readers of the format know 2 only",
                    hint="choose zarr_format=2, or write JSON",
                )
            )
        if path is None:
            return problems
        if not is_local(path):
            problems.append(
                Problem(
                    code="parquet-not-local",
                    where=where,
                    what="a parquet set is a folder, and only a local one can be replaced at once",
                    hint="write to a local folder and upload it, or write JSON",
                )
            )
            return problems
        if set(os.path.realpath(path)) & set("{}"):
            problems.append(
                Problem(
                    code="parquet-braces",
                    where=where,
                    what="the path holds a brace, which fsspec takes for a placeholder",
                    hint="choose a folder without braces in its path",
                )
            )
        sources = source_paths(plan.manifests)
        return [*problems, *problems_of_target(path, sources=sources, is_folder=True)]


def _problems_of_node(node: Node, where: str) -> list[Problem]:
    """List what the format has against an array or group that Zarr v2 can say."""
    name = node.path.rpartition("/")[2]
    what = hint = ""
    if name.startswith(".z"):
        what = f"the name {name!r} begins with '.z', which readers take for metadata"
        hint = "rename the variable before exporting, or write JSON"
    elif not _is_file_name(name):
        what = f"the name {name!r} cannot be that of a folder (at most {_LONGEST_NAME} bytes)"
        hint = "rename the variable before exporting, or write JSON"
    elif node.manifest is not None and table_count(node.manifest) > _MOST_TABLES:
        what = (
            f"the grid of {node.manifest.size} chunks needs {table_count(node.manifest)} files, "
            f"more than {_MOST_TABLES}"
        )
        hint = "write JSON, which holds only the chunks that are stored"
    elif found := [file.url for file in _files(node) if not _is_utf8(file.url)]:
        what = f"the path {found[0]!r} is not valid UTF-8, which parquet requires"
        hint = "rename the file, or write JSON"
    if not what:
        return []
    code = "parquet-refused"
    return [Problem(code=code, where=where, variable=f"/{node.path}", what=what, hint=hint)]


def _warnings(plan: ReferencePlan, where: str) -> list[Problem]:
    """Say how a hierarchy must be opened: fsspec looks for references in groups, and fails."""
    if all(node.manifest is not None or not node.path for node in plan.nodes):
        return []
    return [
        Problem(
            code="parquet-groups",
            where=where,
            what="the set has groups; fsspec opens such a set only when told the protocol of the "
            "source files",
            hint='open it with storage_options={"fo": path, "remote_protocol": "file"} '
            '(or "s3", "https", ...), or write JSON',
            severity="warning",
        )
    ]


def _files(node: Node) -> tuple[Any, ...]:
    return () if node.manifest is None else node.manifest.files


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_file_name(name: str) -> bool:
    return _is_utf8(name) and len(name.encode()) <= _LONGEST_NAME


def _write(plan: ReferencePlan, folder: Path, progress: Progress | None) -> int:
    """Write the whole set into an empty folder; return its size in bytes."""
    total = sum(manifest.nstored for manifest in plan.manifests)
    size = done = 0
    for node in plan.nodes:
        if node.manifest is None:
            continue
        parts = folder / node.path
        parts.mkdir(parents=True, exist_ok=True)
        for number, (count, table) in enumerate(reference_tables(node.manifest)):
            part = parts / f"refs.{number}.parq"
            write_table(table, part)
            size += part.stat().st_size
            done += count
            if progress is not None:
                progress(done, total)
    document = {
        **consolidated_v2(plan),
        "record_size": RECORD_SIZE,
        # Ignored by readers; with it a lost reference or a changed source can be noticed.
        "zarrchive": summary_of(plan.manifests),
    }
    metadata = folder / ".zmetadata"
    metadata.write_text(json.dumps(document, separators=(",", ":")), encoding="ascii")
    return size + metadata.stat().st_size
