"""Read drawn, real and damaged HDF5 files for as long as you like, with h5py as the judge.

    python tests/fuzz/hdf5.py --minutes 60 --seed 1 --processes 2

Goes on after a finding. Each file that something was found in is kept in a folder, with a note of
how it was made; `--check FILE...` looks at such files again. The exit status is 1 if a value
differed without a word, or the reader crashed, hung, raised anything unexpected or took too much
memory.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import h5py

from zarrchive.testing.hdf5.atlas import ATLAS
from zarrchive.testing.hdf5.worker import Worker

if TYPE_CHECKING:
    from zarrchive.testing.hdf5.examination import Outcome
    from zarrchive.testing.hdf5.verdict import Finding

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZARRCHIVE_DATA", ROOT.parent / "shared" / "data"))
MUTANTS = 30
"""Damaged copies of each file."""
KEPT = 3
"""Files kept of findings that look the same."""
LARGEST = 500_000
"""Bytes of a real file that is damaged."""
SAID = (
    ("files", "drawn, taken from the atlas, or real"),
    ("mutants", "damaged copies"),
    ("variables", "that were compared"),
    ("equal", "to what h5py reads"),
    (
        "problem",
        "left out with a Problem, as h5py cannot read them either, or Zarr has no such type",
    ),
    ("cautious", "left out with a Problem, though h5py reads them"),
    ("neither", "refused by h5py, and by zarr on reading"),
    ("loud", "an error of zarr on reading, though h5py reads them"),
    ("warned", "different, with a warning that says so"),
    ("unjudged", "of undamaged files, but HDF5 fails to read what it wrote"),
    ("accepted", "shown, though h5py refuses them"),
    ("refused", "files refused as a whole"),
    ("overcautious", "files refused as a whole that h5py opens"),
    ("silent", "differences without a word"),
    ("exception", "times the reader raised what is no error of ours"),
    ("memory", "times the reader took too much memory"),
    ("timeout", "times the reader hung"),
    ("crash", "times the reader crashed"),
    ("judge", "times h5py crashed or hung while judging, or HDF5 could not write the file"),
)
FATAL = ("silent", "exception", "memory", "timeout", "crash")
APART = (*FATAL, "accepted", "judge")
"""Findings that are no differences."""


@dataclass
class Report:
    """What all processes found so far."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    _alike: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, worker: Worker, outcome: Outcome, kind: str, seed: str) -> None:
        """Count one file, and keep it if anything was found."""
        with self._lock:
            self.counts[kind] += 1
            self.counts["variables"] += outcome.counts.total()
            for name in ("equal", "problem", "cautious", "neither", "loud", "warned", "unjudged"):
                self.counts[name] += outcome.counts[name]
            if outcome.status in {"refused", "overcautious"}:
                self.counts[outcome.status] += 1
            elif " in " in outcome.status or outcome.status in {"failed", "unwritten"}:
                self.counts["judge"] += 1
            for finding in outcome.findings:
                self.counts[finding.kind if finding.kind in APART else "silent"] += 1
            if outcome.findings:
                self._keep(worker, outcome, seed)

    def _keep(self, worker: Worker, outcome: Outcome, seed: str) -> None:
        first = outcome.silent[0] if outcome.silent else outcome.findings[0]
        alike = _alike(first)
        self._alike[alike] += 1
        if self._alike[alike] > KEPT or not worker.current.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{sum(self._alike.values()):06d}-{first.kind}.h5"
        shutil.copyfile(worker.current, target)
        made = worker.current.with_suffix(".txt").read_text()
        found = "\n".join(str(finding) for finding in outcome.findings[:40])
        target.with_suffix(".txt").write_text(f"seed {seed}\n{made}\n{found}\n")
        if first.kind != "accepted":
            print(f"{target.name}: {str(first)[:200]}", flush=True)

    def print(self, seconds: float) -> None:
        """Print all counts."""
        print(f"\n{seconds / 60:.1f} minutes")
        for name, text in SAID:
            print(f"{self.counts[name]:9d} {name}: {text}")
        for alike, count in self._alike.most_common(40):
            print(f"{count:9d} x {alike}")


def _alike(finding: Finding) -> str:
    """Return what findings of one cause have in common: no names, numbers, or deeper frames."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", finding.text.split("(most recent call first)")[0])
    frame = re.search(r"line [0-9]+ in (\w+)", finding.text)
    text = re.sub(r"\['\.\.\.'(, '\.\.\.')*\]", "[...]", text.split(" are ")[0])
    text = re.sub("[0-9]+", "#", " ".join(text.split()))[:70]
    return f"{finding.kind} {text}{f' in {frame[1]}' if frame else ''}"


def main() -> int:
    """Run until the time is over."""
    options = _parse()
    if options.check:
        return _check(options.check)
    report = Report(options.keep)
    start = time.monotonic()
    end = start + 60 * options.minutes
    threads = [
        threading.Thread(target=_campaign, args=(report, f"{options.seed}.{number}", end, options))
        for number in range(options.processes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.print(time.monotonic() - start)
    return int(any(report.counts[name] for name in FATAL))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", default="0", help="another seed makes other files")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="most for one file")
    parser.add_argument("--mutants", type=int, default=MUTANTS, help="of each file")
    parser.add_argument("--keep", type=Path, default=ROOT / ".fuzz-hdf5", help="where files go")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real files")
    parser.add_argument("--check", type=Path, nargs="+", metavar="FILE", help="look at files again")
    return parser.parse_args()


def _campaign(report: Report, seed: str, end: float, options: argparse.Namespace) -> None:
    """Damage one file after the other, in one child process."""
    random = Random(seed)
    real = _real_files(options.data)
    with Worker(seconds=options.seconds) as worker:
        for number in range(sys.maxsize):
            job = _job(random, f"{seed}.{number}", real)
            outcome = _confirmed(worker, worker.ask(**job), is_damaged=False)
            report.add(worker, outcome, "files", f"{seed}.{number}")
            if not worker.is_running:
                worker.ask(**job)
            for again in range(options.mutants):
                if time.monotonic() > end:
                    return
                name = f"{seed}.{number}.{again}"
                outcome = worker.ask("mutant", seed=name)
                if outcome.status == "failed":  # nothing was written, or a child has just begun
                    break
                outcome = _confirmed(worker, outcome, is_damaged=True)
                report.add(worker, outcome, "mutants", name)
                if not worker.is_running:
                    worker.ask(**job)


def _confirmed(worker: Worker, outcome: Outcome, *, is_damaged: bool) -> Outcome:
    """Look once more, in a new process, at a file whose values differ from what h5py reads.

    Damaged files leave HDF5 in states in which it finds nothing, or something else, in whatever
    is opened later.
    """
    if not outcome.silent or not worker.current.exists():
        return outcome
    with Worker() as fresh:
        again = fresh.examine(worker.current, is_damaged=is_damaged)
    if not again.silent:
        worker.end()
    return again


def _job(random: Random, seed: str, real: list[Path]) -> dict[str, str]:
    choice = random.randrange(4)
    if choice == 0:
        return {"job": "atlas", "name": random.choice(sorted(ATLAS))}
    if choice == 1 and real:
        return {"job": "file", "path": str(random.choice(real))}
    return {"job": "drawn", "seed": seed}


def _real_files(folder: Path) -> list[Path]:
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [p for p in paths if p.is_file() and p.stat().st_size < LARGEST and h5py.is_hdf5(p)]


def _check(paths: list[Path]) -> int:
    """Examine single files as if they were damaged, local and not."""
    n_found = 0
    with Worker() as worker:
        for path in paths:
            for is_remote in (False, True):
                outcome = worker.examine(
                    path, is_damaged=True, is_remote=is_remote, most_chunks=1000
                )
                n_found += len(outcome.silent)
                print(path, outcome.status, dict(outcome.counts), dict(outcome.codes))
                for finding in outcome.findings:
                    print(f"    {finding}")
    return int(n_found > 0)


if __name__ == "__main__":
    raise SystemExit(main())
