"""Work in the background: daemon threads, progress with an estimate, cancel."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from zarrchive.session.results import TaskEnded, TaskProgressed
from zarrchive.session.state import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from zarrchive.session.results import Action

__all__ = ["Job", "Lanes", "each"]

T = TypeVar("T")
R = TypeVar("R")

_UPDATE_SECONDS: Final = 0.1
_POLL_SECONDS: Final = 0.1


@dataclass(slots=True)
class Job:
    """A running task as the work sees it: says how far it is, and asks whether to stop."""

    id: str
    label: str
    _dispatch: Callable[[Action], None]
    cancelled: Event = field(default_factory=Event)
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def progress(self, done: int, total: int | None = None) -> None:
        """Report; most reports are dropped, so calling it once per item is fine."""
        now = time.monotonic()
        if done and done != total and now - self._told < _UPDATE_SECONDS:
            return
        self._told = now
        eta = None
        if total and done:
            eta = round((now - self._began) / done * (total - done), 1)
        task = Task(id=self.id, label=self.label, done=done, total=total, eta=eta)
        self._dispatch(TaskProgressed(task=task))


class Lanes:
    """Queues of work, one thread each: what shares a lane happens one after the other.

    The threads are daemons: a file system that never answers does not keep Python alive.
    """

    def __init__(self, dispatch: Callable[[Action], None]) -> None:
        self._dispatch = dispatch
        self._queues: dict[str, SimpleQueue[Callable[[], None] | None]] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._unfinished = 0
        self._closed = False

    def submit(self, lane: str, work: Callable[[], None]) -> None:
        """Run `work` after everything that the lane already holds."""
        with self._lock:
            if self._closed:
                return
            self._unfinished += 1
            if lane not in self._queues:
                self._queues[lane] = SimpleQueue()
                Thread(
                    target=self._run,
                    args=(self._queues[lane],),
                    name=f"zarrchive-{lane}",
                    daemon=True,
                ).start()
            self._queues[lane].put(work)

    def job(self, label: str) -> Job:
        """Start a task that the interface shows."""
        job = Job(f"task-{next(self._numbers)}", label, self._dispatch)
        with self._lock:
            self._jobs[job.id] = job
            if self._closed:
                job.cancelled.set()
        return job

    def end(self, job: Job, *, failed: bool = False) -> None:
        """Say that a task is over."""
        with self._lock:
            self._jobs.pop(job.id, None)
        status: Literal["cancelled", "failed", "done"] = "failed" if failed else "done"
        if job.cancelled.is_set():
            status = "cancelled"
        self._dispatch(TaskEnded(id=job.id, status=status))

    def cancel(self, task_id: str) -> None:
        """Ask a task to stop; it does so before its next file."""
        with self._lock:
            job = self._jobs.get(task_id)
        if job is not None:
            job.cancelled.set()

    @property
    def busy(self) -> bool:
        """Whether any work is queued or running."""
        with self._lock:
            return self._unfinished > 0

    def close(self) -> None:
        """Cancel everything; does not wait."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                job.cancelled.set()
            for queue in self._queues.values():
                queue.put(None)

    def _run(self, queue: SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := queue.get()) is not None:
            try:
                if not self._closed:
                    work()
            finally:
                with self._lock:
                    self._unfinished -= 1


def each(
    items: Iterable[T], work: Callable[[T], R], *, threads: int, cancelled: Event
) -> Iterator[tuple[T, R]]:
    """Run `work` on every item, on a few threads, and yield results as they come.

    Ends early, without the items that were not begun, once `cancelled` is set. `work` must
    turn its own failures into results.
    """
    todo = SimpleQueue[T]()
    done = SimpleQueue[tuple[T, R]]()
    count = 0
    for item in items:
        todo.put(item)
        count += 1

    def drain() -> None:
        while not cancelled.is_set():
            try:
                item = todo.get_nowait()
            except Empty:
                return
            done.put((item, work(item)))

    for number in range(min(threads, count)):
        Thread(target=drain, name=f"zarrchive-file-{number}", daemon=True).start()
    while count and not cancelled.is_set():
        try:
            yield done.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        count -= 1
