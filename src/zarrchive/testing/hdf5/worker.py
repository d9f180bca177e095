"""A process of its own in which files are examined: it may crash, hang, or run out of memory."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from zarrchive.testing.hdf5.examination import Outcome
from zarrchive.testing.hdf5.verdict import Finding

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Worker"]

_PATIENCE: Final = 60.0
"""Seconds that starting may take: importing, on a busy machine."""


class Worker:
    """The parent's side; the child is started on first use, and again after its end."""

    def __init__(self, *, seconds: float = 20.0) -> None:
        self._limit = seconds
        self._folder = TemporaryDirectory(prefix="zarrchive-worker-")
        self._log = Path(self._folder.name) / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self.n_started = 0
        """How often a child was started."""

    @property
    def current(self) -> Path:
        """File that the child writes before it looks at it; what was done to it is in a .txt."""
        return Path(self._folder.name) / "current.h5"

    @property
    def pid(self) -> int | None:
        """Number of the child's process, if one was started."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether a child is there, and remembers what it was told."""
        return self._process is not None and self._process.poll() is None

    def examine(self, path: Path, **options: Any) -> Outcome:
        """Examine a file (see `examine`); a crash or a time-out is a finding, too."""
        return self.ask("examine", path=str(path), **options)

    def ask(self, job: str, **arguments: Any) -> Outcome:
        """Let the child do a job (of `zarrchive.testing.hdf5.child`), however that ends.

        What happens while the reader works is a finding ``crash`` or ``timeout``; elsewhere it
        is the status ``crash in judge`` or the like.
        """
        answer, phase = self._answer({"job": job, **arguments})
        if isinstance(answer, dict):
            return Outcome.from_json(answer)
        end = self._end()
        if phase == "reader":
            return Outcome(answer, findings=[Finding(answer, "/", end)])
        return Outcome(f"{answer} in {phase}")

    def end(self) -> None:
        """End the child; the next job starts another."""
        self._end()

    def close(self) -> None:
        """End the child, for good."""
        self._end()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _answer(self, job: dict[str, Any]) -> tuple[dict[str, Any] | str, str]:
        """Return the answer, or ``crash`` or ``timeout``, and the phase in which it came."""
        process = self._running()
        phase = "start"
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode() + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        while isinstance(message := self._message(self._limit), dict):
            if "phase" not in message:
                return message, phase
            phase = message["phase"]
        return message, phase

    def _message(self, seconds: float) -> dict[str, Any] | str:
        """Return the next document of the child, or ``crash`` or ``timeout``."""
        pipe = self._process.stdout.fileno()  # type: ignore[union-attr]
        end = time.monotonic() + seconds
        while b"\n" not in self._unread:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return "timeout"
            part = os.read(pipe, 2**16)
            if not part:
                return "crash"
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def _running(self) -> subprocess.Popen[bytes]:
        if self.is_running and self._process is not None:
            return self._process
        self._end()
        self.n_started += 1
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", "zarrchive.testing.hdf5.child", self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if self._message(_PATIENCE) in ("crash", "timeout"):
            raise RuntimeError(f"the child does not start: {self._end()}")
        return self._process

    def _end(self) -> str:
        """End the child and say how it was found."""
        process, self._process, self._unread = self._process, None, b""
        if process is None:
            return ""
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        return f"status {process.returncode}\n{self._log.read_text(errors='replace')[-3000:]}"
