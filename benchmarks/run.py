"""Make an environment with the peers and run the comparison in it; standard library only."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-benchmarks"
PEERS = (
    *("virtualizarr>=2.8", "kerchunk>=0.2.10", "scipy", "obspec-utils", "obstore"),
    *("hidefix>=0.12", "h5netcdf", "netCDF4", "dask", "aiohttp", "requests"),
)


def main() -> int:
    """Run `compare.py`, with the arguments given, under Python 3.12 or newer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="interpreter to use (3.12 or newer)")
    known, rest = parser.parse_known_args()
    python = known.python or _newest_python()
    if python is None:
        sys.stderr.write("VirtualiZarr needs Python 3.12 or newer; name one with --python\n")
        return 2
    inside = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", str(ENVIRONMENT)], check=True)
    install = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, str(ROOT), *PEERS], check=True)
    compare = [str(inside), str(ROOT / "benchmarks" / "compare.py"), *rest]
    return subprocess.run(compare, check=False).returncode


def _newest_python() -> str | None:
    candidates = [sys.executable] if sys.version_info >= (3, 12) else []
    candidates += [shutil.which(f"python3.{minor}") or "" for minor in (14, 13, 12)]
    versions = Path.home() / ".pyenv" / "versions"
    candidates += sorted((str(p) for p in versions.glob("3.1[2-9]*/bin/python3")), reverse=True)
    return next((name for name in candidates if name and _starts(name)), None)


def _starts(python: str) -> bool:
    """Return whether this is Python 3.12 or newer: some names on the path start nothing."""
    code = "import sys; sys.exit(sys.version_info < (3, 12))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
