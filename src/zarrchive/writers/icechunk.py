"""Icechunk: a repository of versions, whose chunks are references into the source files.

See https://icechunk.io. Written are nodes of Zarr v3 and, for each array, all of its references
in one call. A repository says which places its references may lead to (containers); what is not
in one of them cannot be read, and is refused here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import Problem, WriteError
from zarrchive.location.redact import redact
from zarrchive.location.url import is_local, normalise
from zarrchive.manifests._zarr import document_at, put_document
from zarrchive.writers.atomic import replaced_folder
from zarrchive.writers.icechunk_places import (
    container_of,
    groups_above,
    key_of,
    prefixes_of,
    problems_of_places,
)
from zarrchive.writers.icechunk_references import checksum_of, put_chunks
from zarrchive.writers.plan import ReferencePlan, plan_references
from zarrchive.writers.size import predicted_documents
from zarrchive.writers.target import problems_of_target, shown, source_paths
from zarrchive.writers.written import report_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests import ManifestGroup
    from zarrchive.writers.protocol import OnProblem, Progress, WriteReport, ZarrFormat

__all__ = ["IcechunkWriter"]

_OLDEST: Final = 2
"""Version of icechunk."""
_MESSAGE: Final = "References into files, written by Zarrchive"
"""Of the only commit of a new repository."""
_BYTES_A_REFERENCE: Final = 23
"""Measured, for references of one array into a thousand files."""


@dataclass(frozen=True, slots=True)
class IcechunkWriter:
    """Write a new repository with one commit, or into a session of one that there is."""

    name: str = "icechunk"
    label: str = "Icechunk"
    formats: tuple[ZarrFormat, ...] = (3,)

    def problems_of(
        self, group: ManifestGroup, *, path: str | None = None, zarr_format: ZarrFormat = 3
    ) -> list[Problem]:
        plan = self._plan(group, path)
        return [*self._problems_of_repository(plan, path, zarr_format), *plan.problems]

    def predicted_size(self, group: ManifestGroup, *, zarr_format: ZarrFormat = 3) -> int:  # noqa: ARG002 - there is only one
        return sum(
            predicted_documents(here, name, array)
            + _BYTES_A_REFERENCE * array.manifest.nrefs
            + sum(map(len, array.manifest.inlined))
            for here, below in group.walk()
            for name, array in below.arrays.items()
        )

    def write(  # noqa: PLR0913 - the choices of an export
        self,
        group: ManifestGroup,
        path: str,
        *,
        zarr_format: ZarrFormat = 3,
        on_problem: OnProblem = "raise",
        storage_options: Mapping[str, Any] | None = None,  # noqa: ARG002 - local only
        progress: Progress | None = None,
    ) -> WriteReport:
        start = time.perf_counter()
        plan = self._plan(group, path)
        refused = self._problems_of_repository(plan, path, zarr_format)
        if on_problem == "raise":
            refused += plan.errors
        if refused:
            raise WriteError(*refused)
        icechunk: Any = import_module("icechunk")
        with replaced_folder(Path(normalise(path))) as folder:
            config = icechunk.RepositoryConfig.default()
            for prefix in prefixes_of(plan.manifests):
                config.set_virtual_chunk_container(container_of(prefix, icechunk))
            repository = icechunk.Repository.create(
                icechunk.local_filesystem_storage(str(folder)), config=config
            )
            repository.save_config()
            session = repository.writable_session("main")
            _put(plan, session.store, "", progress)
            session.commit(_MESSAGE)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return report_of(plan, path=shown(path), format=self.name, size=size, start=start)

    def write_into(
        self,
        group: ManifestGroup,
        store: Any,  # noqa: ANN401 - of a package that need not be installed
        *,
        path: str = "",
        on_problem: OnProblem = "raise",
        progress: Progress | None = None,
    ) -> WriteReport:
        """Write `group` into a writable session of a repository; nothing is committed.

        Parameters
        ----------
        store
            An ``icechunk.IcechunkStore``.
        path
            Group of the repository that becomes `group`; those above it are made.
        on_problem, progress
            As for `write`.

        Raises
        ------
        WriteError
            With every reason why it cannot be written; nothing was written then.
            ``icechunk-refused`` where Icechunk does not take some references after all: discard
            the changes of the session.
        """
        start = time.perf_counter()
        if refused := _problems_of_package():
            raise WriteError(*refused)
        if not isinstance(store, import_module("icechunk").IcechunkStore):
            raise WriteError(_no_store(store))
        where, path = self.label, "/".join(part for part in path.split("/") if part)
        plan = self._plan(group, None)
        refused = problems_of_places(plan, store, path, where)
        if on_problem == "raise":
            refused += plan.errors
        if refused:
            raise WriteError(*refused)
        _put(plan, store, path, progress)
        return report_of(plan, path=where, format=self.name, size=0, start=start)

    def _plan(self, group: ManifestGroup, path: str | None) -> ReferencePlan:
        where = self.label if path is None else shown(path)
        plan = plan_references(group, where=where, zarr_format=3)
        return replace(plan, problems=(*plan.problems, *_unchecked(plan)))

    def _problems_of_repository(
        self, plan: ReferencePlan, path: str | None, zarr_format: ZarrFormat
    ) -> list[Problem]:
        """List what speaks against a new repository as a whole."""
        where = self.label if path is None else shown(path)
        problems = _problems_of_package()
        if zarr_format != 3:
            problems.append(
                Problem(
                    code="icechunk-zarr-format",
                    where=where,
                    what=f"zarr_format is {zarr_format}, but a repository holds Zarr v3 only",
                    hint="choose zarr_format=3",
                )
            )
        try:
            prefixes_of(plan.manifests)
        except WriteError as error:
            problems.extend(error.problems)
        if path is None:
            return problems
        if not is_local(path):
            problems.append(
                Problem(
                    code="icechunk-not-local",
                    where=where,
                    what="a new repository is made in a local folder only",
                    hint="make a repository there with icechunk, and give its session instead",
                )
            )
            return problems
        sources = source_paths(plan.manifests)
        return [
            *problems,
            *problems_of_target(path, sources=sources, is_folder=True, may_replace=_may_replace),
        ]


def _may_replace(folder: Path) -> bool:
    """Tell whether a folder is empty, or a repository to which nobody has added anything."""
    if not any(folder.iterdir()):
        return True
    if _problems_of_package() or not (folder / "snapshots").is_dir():
        return False
    icechunk: Any = import_module("icechunk")
    try:
        repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder)))
        versions = [one.message for one in repository.ancestry(branch="main")]
        others = [*(repository.list_branches() - {"main"}), *repository.list_tags()]
    except icechunk.IcechunkError:
        return False
    return versions[:-1] == [_MESSAGE] and not others


def _problems_of_package() -> list[Problem]:
    """Say whether icechunk 2 is missing, which takes all references of an array at once."""
    try:
        found = version("icechunk")
    except PackageNotFoundError:
        found = "none"
    if found[:1].isdigit() and int(found.partition(".")[0]) >= _OLDEST:
        return []
    return [
        Problem(
            code="icechunk-missing",
            where="icechunk",
            what=f"version {_OLDEST} or newer of the package icechunk is needed, and {found} is "
            "installed",
            hint="install it with Python 3.12 or newer: pip install 'zarrchive[icechunk]'",
        )
    ]


def _put(plan: ReferencePlan, store: Any, path: str, progress: Progress | None) -> None:  # noqa: ANN401 - an IcechunkStore
    total = sum(manifest.nstored for manifest in plan.manifests)
    done = 0
    for above in groups_above(path):
        if document_at(store, key_of(above)) is None:
            put_document(store, key_of(above), {"zarr_format": 3, "node_type": "group"})
    for node in plan.nodes:
        here = "/".join(part for part in (path, node.path) if part)
        for name, document in node.documents.items():
            put_document(store, key_of(here, name), document)
        if node.manifest is not None:
            put_chunks(store, here, node.manifest)
            done += node.manifest.nstored
            if progress is not None:
                progress(done, total)


def _unchecked(plan: ReferencePlan) -> list[Problem]:
    """Say that Icechunk will not notice when some files change."""
    manifests = [manifest for manifest in plan.manifests if manifest.nrefs]
    files = {file for one in manifests if checksum_of(one.files) is None for file in one.files}
    if not files:
        return []
    first = min(files, key=lambda file: file.url)
    return [
        Problem(
            code="icechunk-unchecked",
            where=redact(first.url),
            what=f"no time of its last change is known, nor of {len(files) - 1} others; Icechunk "
            "will not notice when it changes",
            hint="write the references anew when the files have changed",
            severity="warning",
        )
    ]


def _no_store(found: object) -> Problem:
    return Problem(
        code="icechunk-no-store",
        where="to_icechunk",
        what=f"a store of an Icechunk session is needed, and {type(found).__name__} was given",
        hint='give repository.writable_session("main").store, or the path of a new repository',
    )
