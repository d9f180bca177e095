"""A made-up weather radar: one hierarchical file for each volume, one group for each sweep.

The layout is that of CfRadial 2: sweeps are groups with dimensions of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.demo.netcdf4 import NetCDF4File, pack

if TYPE_CHECKING:
    from pathlib import Path

    from zarrchive.demo.netcdf4 import NetCDF4Group

__all__ = ["MINUTES", "write_volume"]

MINUTES: Final = (0, 5, 10, 15)
"""When the volumes start, in minutes after 08:00."""
_ELEVATIONS: Final = (0.5, 1.5)
_FILL: Final = -32768
_METRES: Final = 600.0
_GATES: Final = 200
_RAYS: Final = 180


def write_volume(path: Path, minute: int) -> None:
    """Write the volume that starts `minute` minutes after 08:00."""
    start = f"2023-04-20T08:{minute:02d}:00Z"
    attributes = {
        "Conventions": "Cf/Radial-2.0",
        "title": "A volume of a made-up weather radar",
        "institution": "Zarrchive",
        "instrument_name": "demo-radar",
        "platform_is_mobile": "false",
    }
    with NetCDF4File(path, attributes) as file:
        file.dimension("sweep", len(_ELEVATIONS))
        names = [f"sweep_{number}" for number in range(len(_ELEVATIONS))]
        file.strings("sweep_group_name", names, ("sweep",))
        file.variable(
            "sweep_fixed_angle",
            np.array(_ELEVATIONS, dtype="<f4"),
            ("sweep",),
            {"units": "degrees", "long_name": "target elevation of the sweep"},
        )
        file.strings("time_coverage_start", start)
        position = {"latitude": 48.1, "longitude": 11.6, "altitude": 535.0}
        units = {"latitude": "degrees_north", "longitude": "degrees_east", "altitude": "meters"}
        for name, value in position.items():
            file.variable(name, np.float64(value), (), {"units": units[name], "long_name": name})
        for name, elevation in zip(names, _ELEVATIONS, strict=True):
            _write_sweep(
                file.group(name, {"sweep_mode": "azimuth_surveillance"}), elevation, minute
            )
        parameters = file.group("radar_parameters", {})
        beam = {"units": "degrees", "long_name": "beam width, horizontal"}
        parameters.variable("radar_beam_width_h", np.float32(1.0), (), beam)


def _write_sweep(sweep: NetCDF4Group, elevation: float, minute: int) -> None:
    seconds = np.array([60.0 * minute + 12 * elevation])
    azimuth = (np.arange(_RAYS, dtype="<f4") + np.float32(0.5)) * np.float32(360 / _RAYS)
    distance = (np.arange(_GATES, dtype="<f4") + np.float32(0.5)) * np.float32(_METRES)
    since = {"standard_name": "time", "units": "seconds since 2023-04-20T08:00:00Z"}
    sweep.coordinate("time", seconds, since, unlimited=True)
    sweep.coordinate("azimuth", azimuth, {"units": "degrees", "long_name": "azimuth of the ray"})
    sweep.coordinate(
        "range", distance, {"units": "meters", "long_name": "distance to the centre of the gate"}
    )
    angle = {"units": "degrees", "long_name": "target elevation of the sweep"}
    sweep.variable("sweep_fixed_angle", np.float32(elevation), (), angle)
    reflectivity, velocity = _moments(elevation, minute, azimuth, distance)
    _write_moment(sweep, "DBZH", reflectivity, "dBZ", "equivalent reflectivity factor")
    _write_moment(sweep, "VRADH", velocity, "m/s", "radial velocity away from the instrument")


def _write_moment(
    sweep: NetCDF4Group, name: str, values: np.ndarray, units: str, long_name: str
) -> None:
    scale = 0.01
    attributes = {
        "_FillValue": np.int16(_FILL),
        "scale_factor": np.float32(scale),
        "add_offset": np.float32(0),
        "units": units,
        "long_name": long_name,
    }
    packed = pack(values[None], scale=scale, offset=0, fill=_FILL)
    dims = ("time", "azimuth", "range")
    sweep.variable(name, packed, dims, attributes, chunks=(1, _RAYS // 2, _GATES))


def _moments(
    elevation: float, minute: int, azimuth: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rain cells that drift with the wind, and the wind seen along the ray."""
    angle = np.radians(azimuth.astype(float))[:, None]
    metres = distance.astype(float)
    east, north = metres * np.sin(angle), metres * np.cos(angle)
    wind_east, wind_north = 14.0, 5.0
    drift = 60.0 * minute
    echo = np.full(east.shape, -20.0)
    cells = ((-40e3, 10e3, 9e3, 52), (-15e3, -30e3, 14e3, 41), (25e3, 35e3, 11e3, 47),
             (60e3, -20e3, 18e3, 36), (-75e3, -55e3, 12e3, 44), (5e3, 80e3, 16e3, 39))  # fmt: skip
    for x, y, radius, peak in cells:
        dx, dy = east - x - wind_east * drift, north - y - wind_north * drift
        squared = (dx**2 + (1.4 * dy) ** 2) / radius**2
        echo = np.maximum(echo, (peak - 4 * elevation) - 12 * squared)
    reflectivity = np.where(echo > 0, echo + 2 * np.sin(east / 4e3) * np.cos(north / 3e3), np.nan)
    velocity = (wind_east * east + wind_north * north) / metres * np.cos(np.radians(elevation))
    return reflectivity, np.where(np.isnan(reflectivity), np.nan, velocity)
