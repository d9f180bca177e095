"""Kerchunk reference files in JSON, version 1: metadata and chunk references in one document.

See https://fsspec.github.io/kerchunk/spec.html. Templates and generators are never used: not
every reader knows them.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zarrchive.errors import WriteError
from zarrchive.location.url import is_local, normalise
from zarrchive.writers.atomic import replaced_file
from zarrchive.writers.consolidated import documents_of
from zarrchive.writers.plan import Node, ReferencePlan, plan_references
from zarrchive.writers.references import json_references, quoted
from zarrchive.writers.size import predicted_documents, predicted_references
from zarrchive.writers.summary import summary_of
from zarrchive.writers.target import problems_of_target, shown, source_paths
from zarrchive.writers.written import report_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup
    from zarrchive.writers.protocol import OnProblem, Progress, WriteReport, ZarrFormat

__all__ = ["KerchunkJSONWriter"]


@dataclass(frozen=True, slots=True)
class KerchunkJSONWriter:
    """Write one JSON file; best below some 100 000 references, as readers load it whole."""

    name: str = "kerchunk-json"
    label: str = "Kerchunk JSON"
    formats: tuple[ZarrFormat, ...] = (2, 3)

    def problems_of(
        self, group: ManifestGroup, *, path: str | None = None, zarr_format: ZarrFormat = 2
    ) -> list[Problem]:
        plan = self._plan(group, path, zarr_format)
        return [*self._problems_of_target(plan, path), *plan.problems]

    def predicted_size(self, group: ManifestGroup, *, zarr_format: ZarrFormat = 2) -> int:
        separator = 1 if zarr_format == 2 else 3
        return sum(
            predicted_documents(here, name, array)
            + predicted_references(here, name, array.manifest, extra=12 + separator)
            for here, below in group.walk()
            for name, array in below.arrays.items()
        )

    def write(  # noqa: PLR0913 - the choices of an export
        self,
        group: ManifestGroup,
        path: str,
        *,
        zarr_format: ZarrFormat = 2,
        on_problem: OnProblem = "raise",
        storage_options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> WriteReport:
        start = time.perf_counter()
        plan = self._plan(group, path, zarr_format)
        refused = self._problems_of_target(plan, path)
        if on_problem == "raise":
            refused += plan.errors
        if refused:
            raise WriteError(*refused)
        if is_local(path):
            with replaced_file(Path(normalise(path))) as file:
                size = _write(plan, file, zarr_format, progress)
        else:
            size = _upload(plan, path, zarr_format, progress, storage_options)
        return report_of(plan, path=shown(path), format=self.name, size=size, start=start)

    def _plan(
        self, group: ManifestGroup, path: str | None, zarr_format: ZarrFormat
    ) -> ReferencePlan:
        where = self.label if path is None else shown(path)
        return plan_references(group, where=where, zarr_format=zarr_format)

    def _problems_of_target(self, plan: ReferencePlan, path: str | None) -> list[Problem]:
        if path is None or not is_local(path):
            return []
        sources = source_paths(plan.manifests)
        return problems_of_target(path, sources=sources, is_folder=False)


def _write(
    plan: ReferencePlan, file: IO[bytes], zarr_format: ZarrFormat, progress: Progress | None
) -> int:
    """Stream the document; return its size in bytes."""
    total = sum(manifest.nstored for manifest in plan.manifests)
    done = 0
    for count, text in _text(plan, zarr_format):
        file.write(text.encode("ascii"))
        done += count
        if progress is not None and count:
            progress(done, total)
    return file.tell()


def _text(plan: ReferencePlan, zarr_format: ZarrFormat) -> Iterator[tuple[int, str]]:
    yield 0, '{"version":1,"refs":{'
    comma = ""
    for node, documents in zip(plan.nodes, documents_of(plan, zarr_format), strict=True):
        for key, document in documents.items():
            yield 0, f"{comma}{quoted(key)}:{quoted(_compact(document))}"
            comma = ","
        if node.manifest is not None:
            yield from _references(node, zarr_format)
    # Readers of the format ignore other members of the document; with this one a lost
    # reference or a changed source can be noticed.
    yield 0, f'}},"zarrchive":{_compact(summary_of(plan.manifests))}}}\n'


def _references(node: Node, zarr_format: ZarrFormat) -> Iterator[tuple[int, str]]:
    manifest = node.manifest
    if manifest is None:
        return
    if zarr_format == 2:
        yield from json_references(manifest, node.key(""), separator=".", scalar_key="0")
    elif manifest.grid_shape:
        yield from json_references(manifest, node.key("c/"), separator="/", scalar_key="")
    else:
        yield from json_references(manifest, node.key("c"), separator="/", scalar_key="")


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _upload(
    plan: ReferencePlan,
    url: str,
    zarr_format: ZarrFormat,
    progress: Progress | None,
    storage_options: Mapping[str, Any] | None,
) -> int:
    """Write beside, then upload whole: object stores replace an object at once."""
    import fsspec  # noqa: PLC0415 - only for outputs that are not local

    with tempfile.TemporaryDirectory(prefix="zarrchive-") as folder:
        temporary = Path(folder, "references.json")
        with temporary.open("wb") as file:
            size = _write(plan, file, zarr_format, progress)
        filesystem, target = fsspec.url_to_fs(url, **(storage_options or {}))
        filesystem.put_file(str(temporary), target)
    return size
