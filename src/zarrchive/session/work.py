"""Carries effects out on worker threads; results come back as actions."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, assert_never

from zarrchive.combine.infer import Choice, propose
from zarrchive.combine.sentence import counted
from zarrchive.errors import CombineError, Problem, WriteError
from zarrchive.session import effects as e
from zarrchive.session import results as r
from zarrchive.session.browse import browse, sniff_file
from zarrchive.session.exporting import judge_formats, write_export
from zarrchive.session.failures import problem_of, problems_of
from zarrchive.session.joining import carry_out, group_of, repairs_of, result_of
from zarrchive.session.state import Scan, Sniff
from zarrchive.session.tasks import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zarrchive.combine.plan import Plan
    from zarrchive.manifests import ManifestGroup
    from zarrchive.session.library import Library
    from zarrchive.session.state import SessionState
    from zarrchive.session.tasks import Job, Lanes

__all__ = ["Work"]

_THREADS: Final = 4
_BATCH_SECONDS: Final = 0.1
_MAX_PENDING_SNIFFS: Final = 100_000


@dataclass(slots=True)
class Work:
    """The hands of a session."""

    library: Library
    lanes: Lanes
    dispatch: Callable[[r.Action], None]
    state: Callable[[], SessionState]
    _sniffing: set[str] = field(default_factory=set)
    _dataset: tuple[int, Any] | None = None
    _group: tuple[int, ManifestGroup] | None = None
    _lock: Lock = field(default_factory=Lock)

    def start(self, effect: e.Effect) -> None:
        """Begin `effect`; returns at once."""
        match effect:
            case e.ListLocation():
                self._submit("list", partial(self._list, effect))
            case e.SniffFiles(urls=urls):
                self._submit("sniff", partial(self._sniff, urls))
            case e.LookInto(url=url):
                self._submit("look", partial(self._look, url))
            case e.MakePlan(key=key):
                self._submit("combine", partial(self._make_plan, key))
            case e.RunPlan(key=key):
                self._submit("combine", partial(self._run_plan, key))
            case e.JudgeFormats():
                self._submit("combine", partial(self._judge, effect))
            case e.WriteExport():
                self._submit("combine", partial(self._write, effect))
            case e.StopTask(id=task):
                self.lanes.cancel(task)
            case e.Forget():
                self.library.clear()
            case _:
                assert_never(effect)

    def dataset(self, key: int) -> Any:  # noqa: ANN401 - a Dataset or a DataTree
        """Return the combined dataset of plan `key`, or None."""
        held = self._dataset
        return held[1] if held is not None and held[0] == key else None

    def combined_group(self, key: int) -> ManifestGroup:
        """Return the combined dataset of plan `key` as a hierarchy.

        Raises
        ------
        CombineError
            ``export-not-combined`` if there is none.
        """
        dataset = self.dataset(key)
        if dataset is None:
            raise CombineError(_NOT_COMBINED)
        with self._lock:
            held = self._group
        if held is None or held[0] != key:
            held = (key, group_of(dataset))
            with self._lock:
                self._group = held
        return held[1]

    def variables_below(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Replace groups by the variables below them, as far as files have been read."""
        state = self.state()
        known = [row.path for row in state.combine.variables]
        if state.look.file is not None and state.look.status == "ready":
            known.extend(self.library.paths_of(state.look.file))
        found: dict[str, None] = {}
        names = frozenset(known)
        for path in paths:
            base = path.rstrip("/") + "/"
            below = [] if path in names else [name for name in known if name.startswith(base)]
            found.update(dict.fromkeys(below or [path]))
        return tuple(found)

    def _submit(self, lane: str, work: Callable[[], None]) -> None:
        self.lanes.submit(lane, partial(self._guarded, work))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - nobody is above a worker thread to see it
            self.dispatch(r.Rejected(problem=problem_of(error, "this session")))

    def _list(self, effect: e.ListLocation) -> None:
        if self.state().location.key != effect.key:
            return
        try:
            options = self.library.storage_options
            found = browse(effect.url, storage_options=options)
        except Exception as error:  # noqa: BLE001 - any file system may raise anything
            problem = problem_of(error, effect.url)
            self.dispatch(r.ListingFailed(key=effect.key, problem=problem))
            return
        self.dispatch(
            r.Listed(key=effect.key, url=found.url, entries=found.entries, file=found.file)
        )

    def _sniff(self, urls: tuple[str, ...]) -> None:
        with self._lock:
            known = self.state().sniffed
            fresh = [url for url in urls if url not in known and url not in self._sniffing]
            self._sniffing.update(fresh)
        if not fresh:
            return
        job = self.lanes.job(f"Recognising {counted(len(fresh), 'file')}")
        show = len(fresh) > 200
        options = self.library.storage_options
        found: dict[str, Any] = {}
        told = time.monotonic()
        read = partial(sniff_file, storage_options=options)
        for count, (url, sniff) in enumerate(
            each(fresh, _never_raises(read), threads=_THREADS, cancelled=job.cancelled), 1
        ):
            found[url] = sniff
            if time.monotonic() - told > _BATCH_SECONDS:
                self.dispatch(r.Sniffed(formats=dict(found)))
                found.clear()
                told = time.monotonic()
                if show:
                    job.progress(count, len(fresh))
        self.dispatch(r.Sniffed(formats=found))
        with self._lock:
            self._sniffing.difference_update(fresh)
        self.lanes.end(job)

    def _look(self, url: str) -> None:
        if self.state().look.file != url:
            return
        try:
            root = self.library.look(url)
        except Exception as error:  # noqa: BLE001 - readers may be plug-ins
            self.dispatch(r.Looked(url=url, problem=problem_of(error, url)))
            return
        self.dispatch(r.Looked(url=url, problems=root.all_problems()))

    def _make_plan(self, key: int) -> None:
        state = self.state()
        if state.combine.key != key or state.combine.plan is not None:
            return
        self.library.keep_scans(state.collection.entries.keys())
        urls = list(state.collection.entries)
        job = self.lanes.job(f"Reading the structure of {counted(len(urls), 'file')}")
        job.progress(0, len(urls))
        failed = self._scan(key, urls, job)
        stopped = job.cancelled.is_set()
        try:
            if self.state().combine.key != key:
                job.cancelled.set()
            elif stopped:
                self.dispatch(r.CombineFailed(key=key, problems=(_stopped(len(urls)),)))
            elif len(failed) == len(urls):
                self.dispatch(r.CombineFailed(key=key, problems=tuple(failed.values())))
            else:
                self.dispatch(r.Planned(key=key, plan=self._propose(urls, failed)))
        except Exception as error:  # noqa: BLE001 - the step must come to an end
            self.dispatch(r.CombineFailed(key=key, problems=(problem_of(error, "the plan"),)))
            self.lanes.end(job, failed=True)
        else:
            self.lanes.end(job)

    def _scan(self, key: int, urls: list[str], job: Job) -> dict[str, Problem]:
        """Read every file that has not been read; return the problems of those that fail."""
        failed: dict[str, Problem] = {}
        batch: dict[str, Scan] = {}
        told = time.monotonic()
        scans = each(urls, self._scan_one, threads=_THREADS, cancelled=job.cancelled)
        for count, (url, scan) in enumerate(scans, 1):
            batch[url] = scan
            if scan.status == "failed":
                failed[url] = scan.problems[0]
            if time.monotonic() - told > _BATCH_SECONDS or count == len(urls):
                self.dispatch(r.Scanned(scans=dict(batch)))
                batch.clear()
                told = time.monotonic()
                job.progress(count, len(urls))
                if self.state().combine.key != key:
                    job.cancelled.set()
        if batch:
            self.dispatch(r.Scanned(scans=batch))
        return failed

    def _scan_one(self, url: str) -> Scan:
        try:
            contents = self.library.scan(url)
            return Scan(status="ok", problems=contents.root.all_problems())
        except Exception as error:  # noqa: BLE001 - one file must never stop the others
            return Scan(status="failed", problems=(problem_of(error, url),))

    def _propose(self, urls: list[str], failed: dict[str, Problem]) -> Plan:
        combine = self.state().combine
        files = [self.library.scan(url) for url in urls if url not in failed]
        choice = Choice(
            how=combine.how,
            dim=combine.dim,
            order=combine.order,
            repair=combine.repair,
            unpicked=combine.unpicked,
            loaded=combine.loaded,
        )
        return propose(files, choice, failed=failed)

    def _run_plan(self, key: int) -> None:
        combine = self.state().combine
        plan = combine.plan
        if combine.key != key or plan is None or combine.status != "running":
            return
        if plan.errors:
            self.dispatch(r.CombineFailed(key=key, problems=plan.errors))
            return
        job = self.lanes.job(f"Combining {counted(len(plan.files), 'file')}")
        job.progress(0, len(plan.files))
        try:
            dataset = carry_out(plan, self.library.scan, job)
            if dataset is None:
                self.dispatch(r.CombineFailed(key=key, problems=(_stopped(len(plan.files)),)))
            else:
                self._dataset = (key, dataset)
                result, repairs = result_of(dataset), repairs_of(dataset)
                self.dispatch(r.Combined(key=key, result=result, problems=repairs))
        except Exception as error:  # noqa: BLE001 - xarray may raise anything
            self.dispatch(r.CombineFailed(key=key, problems=problems_of(error, "combining")))
            self.lanes.end(job, failed=True)
        else:
            self.lanes.end(job)

    def _judge(self, effect: e.JudgeFormats) -> None:
        dataset = self.dataset(effect.key)
        if dataset is None or self.state().export.zarr_format != effect.zarr_format:
            return
        formats = judge_formats(dataset, zarr_format=effect.zarr_format)
        self.dispatch(r.FormatsJudged(key=effect.key, formats=formats))

    def _write(self, effect: e.WriteExport) -> None:
        if self.state().export.status != "running":
            return
        dataset = self.dataset(effect.key)
        if dataset is None:
            self.dispatch(r.ExportFailed(problem=_NOT_COMBINED))
            return
        job = self.lanes.job(f"Writing {effect.path}")
        job.progress(0)
        sources = frozenset(self.state().collection.entries)

        def progress(done: int, total: int) -> None:
            if job.cancelled.is_set():
                raise WriteError(_NOT_WRITTEN)
            job.progress(done, total)

        try:
            report = write_export(dataset, effect, sources, progress)
        except Exception as error:  # noqa: BLE001 - writers may be plug-ins
            self.dispatch(r.ExportFailed(problem=problem_of(error, effect.path)))
            self.lanes.end(job, failed=True)
        else:
            self.dispatch(r.Exported(report=report))
            self.lanes.end(job)


_NOT_COMBINED: Final = Problem(
    code="export-not-combined",
    where="export",
    what="there is no combined dataset to write",
    hint="solve the problems in the third step, and combine again",
)


_NOT_WRITTEN: Final = Problem(
    code="task-cancelled",
    where="export",
    what="stopped before everything was written; what was at the destination is untouched",
    hint="export again when you want it",
    severity="warning",
)


def _never_raises(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def guarded(url: str) -> Any:  # noqa: ANN401 - what `read` returns
        try:
            return read(url)
        except Exception as error:  # noqa: BLE001 - one file must never stop the others
            return Sniff(None, problem_of(error, url))

    return guarded


def _stopped(count: int) -> Problem:
    return Problem(
        code="task-cancelled",
        where="combine",
        what=f"stopped before all of {counted(count, 'file')} were done",
        hint="choose Combine to go on; what was read is kept",
        severity="warning",
    )
