"""Folders of small files, and a way to wait for a session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from zarrchive.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
            data = file.createVariable(
                name,
                dtype,
                ("time", "lat", "lon"),
                zlib=True,
                complevel=changes.get("complevel", 4),
                chunksizes=chunks,
                fill_value=-9,
            )
            data.units = "K" if at == 0 else "mm"
            data[:] = first + at * 1000 + np.arange(days * 24).reshape(days, 4, 6) / 7


@pytest.fixture
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


@pytest.fixture
def settle() -> Callable[[Session], None]:
    """Wait until a session has nothing left to do."""

    def wait(session: Session, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while session.busy:
            assert time.monotonic() < end, f"still busy: {session.state.tasks}"
            time.sleep(0.005)

    return wait


@pytest.fixture
def open_session(settle: Callable[[Session], None]) -> Iterator[Callable[..., Session]]:
    """Make sessions that are closed after the test."""
    made: list[Session] = []

    def make(location: object = None) -> Session:
        session = Session(None if location is None else str(location))
        made.append(session)
        settle(session)
        return session

    yield make
    for session in made:
        session.close()


@pytest.fixture
def combined(
    open_session: Callable[..., Session], settle: Callable[[Session], None]
) -> Callable[..., Session]:
    """Tick everything in a folder (or what a filter shows) and combine it."""

    def make(folder: Path, text: str = "", *actions: dict[str, object]) -> Session:
        session = open_session(folder)
        session.act({"type": "FilterListing", "text": text})
        session.act({"type": "TickAll", "on": True})
        session.act({"type": "GoTo", "step": "combine"})
        settle(session)
        for action in actions:
            assert session.act(action) is None
            settle(session)
        session.act({"type": "Combine"})
        settle(session)
        return session

    return make
