"""Compare our references with h5py's before anything is timed: python check.py PATH..."""

from __future__ import annotations

import subprocess
import sys

from timing import say

__all__ = ["check"]


def check(*paths: str) -> None:
    """Compare all that is in the files, in a process of its own, and stop if anything differs."""
    command = [sys.executable, "-W", "ignore", __file__, *paths]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("references differ from h5py's: nothing is timed")


def _main() -> int:
    from zarrchive.readers.open import read_group
    from zarrchive.testing.hdf5.judge import judge

    n_found = n_variables = 0
    for path in sys.argv[1:]:
        verdict = judge(path, read_group(path), most_chunks=4)
        n_variables += verdict.counts["equal"]
        n_found += len(verdict.findings)
        for finding in verdict.findings:
            say(f"  {path}: {finding}")
    say(f"  {n_variables} variables of {len(sys.argv) - 1} files are equal to what h5py reads")
    return int(n_found > 0 or not n_variables)


if __name__ == "__main__":
    raise SystemExit(_main())
