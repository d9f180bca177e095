"""Compare our references with other libraries before anything is timed: python check.py PATH..."""

from __future__ import annotations

import subprocess
import sys

from timing import say

__all__ = ["check"]


def check(*paths: str) -> None:
    """Compare all that is in the files, in a process of its own, and stop if anything differs."""
    command = [sys.executable, "-W", "ignore", __file__, *paths]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("references differ from what other libraries read: nothing is timed")


def _main() -> int:
    from zarrchive.readers.open import read_group
    from zarrchive.testing.hdf5.judge import judge

    n_found = n_variables = 0
    for path in sys.argv[1:]:
        if _is_classic(path):
            n_variables += _classic_variables(path)
            continue
        verdict = judge(path, read_group(path), most_chunks=4)
        n_variables += verdict.counts["equal"]
        n_found += len(verdict.findings)
        for finding in verdict.findings:
            say(f"  {path}: {finding}")
    judges = "netCDF4" if _is_classic(sys.argv[1]) else "h5py"
    say(f"  {n_variables} variables of {len(sys.argv) - 1} files are equal to what {judges} reads")
    return int(n_found > 0 or not n_variables)


def _is_classic(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123 - a path as it was given
        return file.read(3) == b"CDF"


def _classic_variables(path: str) -> int:
    """Return how many variables a file has; raises AssertionError where one differs."""
    import xarray as xr

    import zarrchive

    with xr.open_dataset(path, engine="netcdf4") as expected:
        found = zarrchive.open_virtual_dataset(path).virtual.open()
        xr.testing.assert_identical(found.load(), expected.load())
        return len(expected.variables)


if __name__ == "__main__":
    raise SystemExit(_main())
