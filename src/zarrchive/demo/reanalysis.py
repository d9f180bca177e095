"""A year of a made-up global reanalysis: daily means, one file a month."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.demo.land import is_land
from zarrchive.demo.netcdf4 import NetCDF4File, pack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["YEAR", "write_month"]

YEAR: Final = 2023
_EPOCH: Final = date(1900, 1, 1)
_FILL: Final = -32767
_GLOBAL: Final = {
    "Conventions": "CF-1.7",
    "title": "Daily means of a made-up reanalysis",
    "institution": "Zarrchive",
    "source": "synthetic: smooth fields with seasons and travelling waves; not real weather",
    "history": f"{YEAR + 1}-01-15 00:00:00 written month by month",
}


@dataclass(frozen=True, slots=True)
class _Packed:
    """How a field is stored and described."""

    units: str
    long_name: str
    standard_name: str
    scale: float
    offset: float


_PACKED: Final[Mapping[str, _Packed]] = {
    "t2m": _Packed("K", "2 metre temperature", "air_temperature", 0.02, 260.0),
    "msl": _Packed(
        "Pa", "Mean sea level pressure", "air_pressure_at_mean_sea_level", 2.0, 101325.0
    ),
    "u10": _Packed("m s**-1", "10 metre U wind component", "eastward_wind", 0.02, 0.0),
    "sst": _Packed("K", "Sea surface temperature", "sea_surface_temperature", 0.02, 285.0),
}


def write_month(path: Path, month: int, *, step: float = 3.0, scale: float = 1.0) -> None:
    """Write the file of one month.

    Parameters
    ----------
    path
        Where to write.
    month
        1 to 12, of the year `YEAR`.
    step
        Grid spacing in degrees; every month has 3, so another one does not fit.
    scale
        Factor on the scale factors of the packed variables; other than 1, the same numbers
        mean something else, so such a file does not fit either.
    """
    days = calendar.monthrange(YEAR, month)[1]
    first = date(YEAR, month, 1).toordinal() - date(YEAR, 1, 1).toordinal()
    latitude = np.arange(90, -90 - step / 2, -step, dtype="<f4")
    longitude = np.arange(0, 360 - step / 2, step, dtype="<f4")
    fields = _fields(first + np.arange(days), latitude, longitude)
    with NetCDF4File(path, _GLOBAL) as file:
        file.coordinate("longitude", longitude, _axis("degrees_east", "longitude"))
        file.coordinate("latitude", latitude, _axis("degrees_north", "latitude"))
        _write_time(file, first, days)
        for name, field in fields.items():
            attributes, values = _stored(name, field, scale)
            dims = ("time", "latitude", "longitude")
            file.variable(name, values, dims, attributes, chunks=(1, *field.shape[1:]))


def _write_time(file: NetCDF4File, first: int, days: int) -> None:
    start = (date(YEAR, 1, 1).toordinal() - _EPOCH.toordinal() + first) * 24
    hours = start + 24 * np.arange(days + 1, dtype="<i4")
    units = {"units": f"hours since {_EPOCH} 00:00:00.0", "calendar": "gregorian"}
    described = {"long_name": "time", "standard_name": "time", "axis": "T", "bounds": "time_bnds"}
    file.coordinate("time", hours[:-1] + np.int32(12), units | described, unlimited=True)
    file.dimension("bnds", 2)
    bounds = np.stack([hours[:-1], hours[1:]], axis=1)
    file.variable("time_bnds", bounds, ("time", "bnds"), units, chunks=(1, 2))


def _stored(name: str, field: np.ndarray, scale: float) -> tuple[dict[str, Any], np.ndarray]:
    """Attributes and values as they lie in the file."""
    if name == "tp":
        described = {"units": "m", "long_name": "Total precipitation"}
        steps = np.rint(field * 2.0**17) * 2.0**-17  # few bits set: a third of the size
        return {"_FillValue": np.float32("nan")} | described, steps.astype("<f4")
    how = _PACKED[name]
    packing = {
        "_FillValue": np.int16(_FILL),
        "missing_value": np.int16(_FILL),
        "scale_factor": how.scale * scale,
        "add_offset": how.offset,
    }
    described = {
        "units": how.units, "long_name": how.long_name, "standard_name": how.standard_name
    }  # fmt: skip
    values = pack(field, scale=how.scale * scale, offset=how.offset, fill=_FILL)
    return packing | described, values


def _axis(units: str, name: str) -> dict[str, str]:
    return {"units": units, "long_name": name, "standard_name": name}


def _fields(day: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> dict[str, np.ndarray]:
    """Fields of shape (day, latitude, longitude) in the units of their variables."""
    land = is_land(latitude, longitude)
    t = day[:, None, None].astype(float)
    phi = np.radians(latitude.astype(float))[:, None]
    lam = np.radians(longitude.astype(float))
    summer = np.cos(2 * np.pi * (t - 200) / 365) * np.sin(phi)
    storms = np.sin(2 * phi) ** 2
    waves = _waves(t, phi, lam)
    warmth = 301 - 50 * np.sin(phi) ** 2 - 14 * np.maximum(0, -np.sin(phi)) ** 4
    jets = 9 * np.sin(3 * np.abs(phi)) * -np.cos(phi) * np.where(np.abs(phi) < np.pi / 3, 1, -0.3)
    rain_belt = np.exp(-(((phi - 0.12 * np.cos(2 * np.pi * (t - 210) / 365)) / 0.15) ** 2))
    ripples = _waves(1.7 * t, 2 * phi, 3 * lam)
    sea = np.maximum(
        271.35, 302 - 38 * np.sin(phi) ** 2 + 3 * summer + 1.5 * np.sin(2 * lam + phi) * np.cos(phi)
    )
    return {
        "t2m": warmth + np.where(land, 17, 6) * summer - 4 * land + 6 * storms * waves,
        "msl": 101325 - 900 * np.cos(4 * phi) + 1400 * storms * _waves(t, phi, lam + 0.5),
        "u10": jets + 7 * storms * _waves(t + 1.0, phi, lam + 1.0),
        "tp": 0.004 * np.maximum(0, 1.6 * rain_belt + storms * waves + 0.7 * ripples - 0.9),
        "sst": np.where(land, np.nan, sea + 0.5 * waves * storms),
    }


def _waves(t: np.ndarray, phi: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """Sum of five waves that travel eastward at speeds of their own; about -1 to 1."""
    total = np.zeros(np.broadcast_shapes(t.shape, phi.shape, lam.shape))
    for number in (1, 3, 4, 6, 7):
        tilt = number * 0.6 * np.cos(phi) + 2 * np.sin(phi)
        speed = 2 * np.pi / (29 - 3 * number)
        total += np.sin(number * lam + tilt - speed * t + 1.3 * number**2) / 2.5
    return total
