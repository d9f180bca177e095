"""Run every check of the project; plain `python3 tests/check.py` on a fresh machine is enough.

Needs nothing but the standard library: it makes an environment for each Python that it finds
(the one that runs it, and the newest of 3.12 or later), installs the project there and runs the
linter, the type checker, the import rules and the tests.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


@dataclass
class Report:
    """What ran, and how it ended."""

    results: list[tuple[str, bool, float]] = field(default_factory=list)

    def run(self, title: str, *ways: list[str]) -> bool:
        """Run one step with a header above it, in the first of the `ways` that succeeds."""
        print(f"\n=== {title} " + "=" * max(0, 92 - len(title)), flush=True)
        start = time.monotonic()
        # Without bytecode, each of the many programs that tests start would compile all it imports.
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": ""}
        run = partial(subprocess.run, cwd=ROOT, env=environment, check=False)
        ok = any(run(way).returncode == 0 for way in ways)
        self.results.append((title, ok, time.monotonic() - start))
        return ok

    def close(self) -> int:
        """Print one line for each step and the verdict; returns the exit status."""
        print("\n=== summary " + "=" * 85)
        for title, ok, seconds in self.results:
            print(f"{'ok    ' if ok else 'FAILED'}  {seconds:6.1f} s  {title}")
        failed = [title for title, ok, _ in self.results if not ok]
        if failed:
            print(f"{len(failed)} of {len(self.results)} steps failed: {', '.join(failed)}")
        else:
            print(f"all {len(self.results)} steps passed")
        sys.stdout.flush()
        return 1 if failed else 0


def main() -> int:
    """Check with every interpreter; exit status 0 only if all steps passed."""
    options = _parse()
    interpreters = options.python or _interpreters()
    report = Report()
    for number, python in enumerate(interpreters):
        version = _version(python)
        if version is None or version < OLDEST:
            print(f"{python} is not a Python {OLDEST[0]}.{OLDEST[1]} or newer", file=sys.stderr)
            return 2
        name = f"{version[0]}.{version[1]}"
        inside = _environment(report, python, name)
        if inside is None:
            continue
        if number == 0:
            _check_source(report, inside)
        _run_tests(report, inside, name, options)
    return report.close()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the tests in a browser")
    parser.add_argument(
        "--python", action="append", metavar="PROGRAM", help="interpreter to use (may be repeated)"
    )
    parser.add_argument(
        "--processes", default=str(min(2, os.cpu_count() or 1)), help="test processes (default 2)"
    )
    return parser.parse_args()


def _interpreters() -> list[str]:
    """Return this interpreter, and the newest of 3.12 or later if this one is older."""
    found = [sys.executable]
    if sys.version_info < (3, 12):
        names = [shutil.which(f"python3.{minor}") for minor in (14, 13, 12)]
        home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        installed = (home / "versions").glob("3.1[2-9]*/bin/python3")
        newer = [name for name in (*names, *map(str, installed)) if name is not None]
        versions = {name: _version(name) for name in newer}
        usable = [name for name in newer if (versions[name] or (0, 0)) >= (3, 12)]
        found += sorted(usable, key=lambda name: versions[name] or (0, 0))[-1:]
    return found


def _version(python: str) -> tuple[int, int] | None:
    """Return major and minor version, or nothing if `python` does not start."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = answer.stdout.split()
    return int(major), int(minor)


def _environment(report: Report, python: str, name: str) -> str | None:
    """Make the environment of one version if need be, and bring it up to date."""
    folder = ROOT / f".venv-check-{name}"
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if _version(str(inside)) is None:
        shutil.rmtree(folder, ignore_errors=True)
        if not report.run(f"{name}: environment", [python, "-m", "venv", str(folder)]):
            return None
    return str(inside) if _install(report, str(inside), name) else None


def _install(report: Report, inside: str, name: str) -> bool:
    """Install the project with all that its checks need: with uv, and where that fails with pip."""
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv is None and subprocess.run([*pip, "uv"], check=False).returncode == 0:
        uv = str(Path(inside).with_name("uv"))
    # Compiling all of it takes longer than the rest: what is imported is compiled then.
    ways = [[*pip, "--no-compile"]]
    if uv is not None:
        ways.insert(0, [uv, "pip", "install", "--quiet", "--python", inside])
    return report.run(f"{name}: install", *([*way, "--editable", ".[dev]"] for way in ways))


def _check_source(report: Report, inside: str) -> None:
    """Run what looks at the source text, which is the same for every version."""
    tools = Path(inside).parent
    report.run("ruff check", [str(tools / "ruff"), "check"])
    report.run("ruff format", [str(tools / "ruff"), "format", "--check"])
    report.run("mypy", [str(tools / "mypy"), "--num-workers", "2"])
    report.run("lint-imports", [str(tools / "lint-imports"), "--no-logo"])


def _run_tests(report: Report, inside: str, name: str, options: argparse.Namespace) -> None:
    chosen = ["-m", "not browser"] if options.quick else []
    parallel = ["-n", options.processes] if options.processes != "0" else []
    # Files stay whole: what they share is made once, and two browsers at a time are enough.
    pytest = [inside, "-m", "pytest", "-q", "--dist=loadfile", *parallel, *chosen]
    report.run(f"{name}: pytest", pytest)


if __name__ == "__main__":
    raise SystemExit(main())
