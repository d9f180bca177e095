"""Make the folder of demonstration files, or what is missing of it."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zarrchive.demo.radar import MINUTES, write_volume
from zarrchive.demo.reanalysis import YEAR, write_month

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["default_folder", "demo_files", "make_demo"]

_EDITION: Final = "demo-1"
"""Changes whenever the files do, so that an old folder is not taken for a new one."""

_ERROR_PAGE: Final = b"""<!DOCTYPE html>
<html><head><title>403 Forbidden</title></head>
<body><h1>Forbidden</h1><p>You need to log in to download this file.</p></body></html>
"""


def make_demo(folder: Path | str | None = None) -> Path:
    """Make the demonstration files, about 14 MB in a few seconds, and return their folder.

    Files that are there already are left as they are. Each file appears complete or not at all.

    Parameters
    ----------
    folder
        Where to make them; by default a folder in the user's cache.
    """
    target = default_folder() if folder is None else Path(folder)
    for name, write in _makers().items():
        path = target / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            write(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return target


def demo_files() -> tuple[str, ...]:
    """Names of the files, relative to the folder, in the order in which they are made."""
    return tuple(_makers())


def default_folder() -> Path:
    """Return the folder in the user's cache where the demonstration files are kept."""
    if sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "zarrchive" / _EDITION


def _makers() -> Mapping[str, Callable[[Path], object]]:
    reanalysis = {
        f"reanalysis/reanalysis_{YEAR}-{month:02d}.nc": partial(write_month, month=month)
        for month in range(1, 13)
    }
    radar = {
        f"radar/volume_20230420T08{minute:02d}00Z.nc": partial(write_volume, minute=minute)
        for minute in MINUTES
    }
    odd: dict[str, Callable[[Path], object]] = {
        # A month of a coarser model.
        f"odd/reanalysis_{YEAR}-12_other-grid.nc": partial(write_month, month=12, step=5.0),
        # The same variables, but the stored numbers mean something else.
        f"odd/reanalysis_{YEAR}-12_other-packing.nc": partial(write_month, month=12, scale=1.5),
        # What a download that needs a login leaves behind.
        "odd/not-a-file.nc": partial(Path.write_bytes, data=_ERROR_PAGE),
        # What a download that broke off leaves behind.
        f"odd/reanalysis_{YEAR}-11_truncated.nc": _write_truncated,
    }
    return {**reanalysis, **radar, **odd}


def _write_truncated(path: Path) -> None:
    write_month(path, 11)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 3 // 5)
