"""Where land is, roughly: enough for a map on a coarse grid to be recognised."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["is_land"]

# Outlines as (longitude, latitude) in degrees east and north.
_NORTH_AMERICA: Final = (
    (-168, 66), (-156, 71), (-128, 70), (-95, 72), (-82, 68), (-94, 60), (-90, 56), (-80, 52),
    (-77, 61), (-65, 59), (-56, 52), (-65, 46), (-70, 42), (-76, 35), (-81, 30), (-81, 25),
    (-84, 30), (-97, 27), (-97, 20), (-88, 21), (-88, 16), (-83, 10), (-78, 8), (-86, 12),
    (-96, 16), (-106, 22), (-112, 28), (-118, 34), (-124, 42), (-124, 48), (-135, 58), (-152, 60),
    (-165, 56), (-166, 62),
)  # fmt: skip
_SOUTH_AMERICA: Final = (
    (-78, 8), (-72, 12), (-60, 9), (-50, 0), (-35, -6), (-39, -17), (-48, -26), (-57, -37),
    (-65, -43), (-69, -53), (-74, -52), (-73, -38), (-71, -20), (-77, -12), (-81, -4), (-78, 2),
)  # fmt: skip
_AFRICA: Final = (
    (-6, 35), (10, 37), (20, 32), (32, 31), (35, 27), (43, 12), (51, 12), (40, -4), (40, -15),
    (33, -27), (27, -34), (18, -34), (12, -17), (9, 0), (8, 5), (-8, 5), (-17, 14), (-16, 22),
    (-10, 30),
)  # fmt: skip
_EURASIA: Final = (
    (-9, 37), (-9, 43), (-1, 44), (-4, 48), (4, 52), (8, 56), (5, 60), (14, 68), (28, 71), (42, 66),
    (60, 69), (75, 72), (100, 77), (113, 74), (140, 73), (170, 70), (180, 69), (178, 63), (163, 60),
    (158, 52), (155, 59), (142, 58), (140, 53), (130, 43), (127, 36), (122, 39), (122, 30),
    (115, 22), (108, 20), (109, 12), (104, 9), (100, 13), (104, 2), (98, 8), (94, 17), (90, 22),
    (80, 15), (77, 8), (73, 18), (67, 25), (57, 26), (50, 30), (59, 22), (52, 16), (44, 13),
    (38, 22), (35, 30), (36, 37), (27, 37), (23, 38), (19, 41), (13, 45), (16, 38), (10, 44),
    (3, 43), (0, 39),
)  # fmt: skip
_GREENLAND: Final = (
    (-73, 78), (-60, 82), (-30, 83), (-18, 76), (-24, 70), (-43, 60), (-52, 66), (-55, 72),
)  # fmt: skip
_AUSTRALIA: Final = (
    (114, -22), (122, -18), (131, -12), (142, -11), (146, -19), (153, -27), (150, -37), (141, -38),
    (131, -32), (116, -35),
)  # fmt: skip
_OUTLINES: Final = (_NORTH_AMERICA, _SOUTH_AMERICA, _AFRICA, _EURASIA, _GREENLAND, _AUSTRALIA)

# Islands as (longitude, latitude, half width, half height).
_ISLANDS: Final = (
    (-2, 54, 3, 4), (-18, 65, 4, 2), (138, 37, 3, 4), (47, -19, 3, 6), (172, -42, 4, 5),
    (114, 1, 4, 4), (101, 0, 4, 3), (141, -5, 8, 3),
)  # fmt: skip


def is_land(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return a mask of shape (latitude, longitude) that is true on land."""
    x, y = np.meshgrid((longitude + 180) % 360 - 180, latitude)
    land: np.ndarray = y < -70 + 5 * np.sin(np.radians(x - 20))
    for outline in _OUTLINES:
        land |= _inside(x, y, np.array(outline, dtype=float))
    for east, north, width, height in _ISLANDS:
        land |= ((x - east) / width) ** 2 + ((y - north) / height) ** 2 <= 1
    return land


def _inside(x: np.ndarray, y: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Even-odd rule: a ray to the east crosses the outline an odd number of times."""
    inside = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        between = (y0 > y) != (y1 > y)
        rise = y1 - y0 if y1 != y0 else 1.0
        inside ^= between & (x < x0 + (y - y0) * (x1 - x0) / rise)
    return inside
