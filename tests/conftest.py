"""Fixtures and settings for all tests: hypothesis profiles, folders of files, the browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

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


def write_month(path: Path, *, first: int, days: int, **changes: object) -> None:
    """Write one netCDF4 file as models do: unlimited time, chunks of one step."""
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        file.history = f"made for day {first}"
        for name, size in (("time", None), ("lat", 4), ("lon", 6)):
            file.createDimension(name, size)
        time_ = file.createVariable("time", "f8", ("time",))
        time_.units = changes.get("time_units", "days since 2020-01-01")
        time_[:] = np.arange(days) + first
        lat = file.createVariable("lat", "f4", ("lat",))
        lat.units = "degrees_north"
        lat[:] = np.linspace(-45, 45, 4) + float(changes.get("lat_shift", 0))
        lon = file.createVariable("lon", "f4", ("lon",))
        lon[:] = np.arange(6) * 60
        chunks = changes.get("chunks", (1, 4, 6))
        for at, name in enumerate(changes.get("names", ("t2m", "tp"))):
            dtype = changes.get("dtype", "f4")
            storage = {"zlib": True, "complevel": changes.get("complevel", 4)}
            if "compression" in changes:
                storage = {"compression": changes["compression"]}
            data = file.createVariable(
                name,
                dtype,
                ("time", "lat", "lon"),
                chunksizes=chunks,
                fill_value=-9,
                endian=changes.get("endian", "native"),
                **storage,
            )
            data.setncatts(changes.get("attributes", {}))
            data.units = "K" if at == 0 else "mm"
            data[:] = first + at * 1000 + np.arange(days * 24).reshape(days, 4, 6) / 7


@pytest.fixture(scope="session")
def month() -> Callable[..., None]:
    return write_month


@pytest.fixture
def months(tmp_path: Path) -> Path:
    """Three months of unequal length; their names are not in the order of their times."""
    folder = tmp_path / "months"
    folder.mkdir()
    for name, first, days in (("b.nc", 0, 5), ("c.nc", 5, 3), ("a.nc", 8, 4)):
        write_month(folder / name, first=first, days=days)
    return folder
