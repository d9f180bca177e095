"""Fixtures and settings for all tests: hypothesis profiles, folders of files, the browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SLOW_MACHINES = [HealthCheck.too_slow]

settings.register_profile(
    "dev", max_examples=20, deadline=None, suppress_health_check=SLOW_MACHINES
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60, derandomize=True)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background this way, and every program below inherits it:
    # no server that a test interrupts would ever end.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real sample files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("ZARRCHIVE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no sample files at {folder}; set ZARRCHIVE_DATA to a folder of them")
    return folder


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's files, made once for each test process; nobody may change them."""
    from zarrchive.demo import make_demo

    return make_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def plugin_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file written with the plug-ins of hdf5plugin, in a process of its own.

    Importing netCDF4 makes HDF5 look for plug-ins in its package, where those of blosc fail.
    """
    path = tmp_path_factory.mktemp("plugins") / "file.h5"
    script = ROOT / "tests" / "write_with_plugins.py"
    environment = {name: value for name, value in os.environ.items() if "HDF5" not in name}
    subprocess.run([sys.executable, script, path], check=True, timeout=120, env=environment)
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium; its absence is an error where CI runs, else a skip."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine; .ci/run installs it")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found
