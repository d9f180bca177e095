"""Times in file names: what orders files that say it nowhere else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from re import Match

__all__ = ["times_in_names"]

_DATE: Final = r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})"
_YEARS: Final = range(1800, 2200)
"""What four digits are taken for a year."""


def _calendar_date(found: Match[str]) -> datetime:
    parts = [int(part) for part in found.groups(default="0") if part.isdecimal()]
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - names have no time zone


def _first_of_month(found: Match[str]) -> datetime:
    return datetime(int(found[1]), int(found[2]), 1)  # noqa: DTZ001 - names have no time zone


def _day_of_year(found: Match[str]) -> datetime:
    year, day = int(found[1]), int(found[2])
    date = datetime(year, 1, 1) + timedelta(days=day - 1)  # noqa: DTZ001 - names have no time zone
    if not day or date.year != year:
        raise ValueError(f"{year} has no day {day}")
    return date


def _first_of_year(found: Match[str]) -> datetime:
    return datetime(int(found[1]), 1, 1)  # noqa: DTZ001 - names have no time zone


_KINDS: Final[tuple[tuple[re.Pattern[str], Callable[[Match[str]], datetime]], ...]] = (
    # The same sign stands between all parts of a time: what follows another is a number.
    (re.compile(_DATE + r"[-_.T]?(\d{2})([-:_]?)(\d{2})\6(\d{2})(?!\d)"), _calendar_date),
    (re.compile(_DATE + r"[-_.T]?(\d{2})[-:_]?(\d{2})(?!\d)"), _calendar_date),
    (re.compile(_DATE + r"(?!\d)"), _calendar_date),
    (re.compile(r"(?<!\d)(\d{4})(\d{3})(?!\d)"), _day_of_year),
    (re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})(?!\d)"), _first_of_month),
    (re.compile(r"(?<!\d)(\d{4})(?!\d)"), _first_of_year),
)
"""Date and time, date, year and day of the year, year and month, year: as ISO 8601 has them."""


def times_in_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return one ISO 8601 time for each name, all distinct; None where names have none.

    All names have a time of the same kind. Where they have several, as of the beginning and of
    the making, it is the first that tells all files apart.
    """
    for pattern, date in _KINDS:
        found = [_dates(pattern, date, name) for name in names]
        for place in range(min(map(len, found), default=0)):
            times = [one[place] for one in found]
            if len(set(times)) == len(times):
                return tuple(time.isoformat() for time in times)
    return None


def _dates(
    pattern: re.Pattern[str], date: Callable[[Match[str]], datetime], name: str
) -> list[datetime]:
    dates = []
    for found in pattern.finditer(name):
        try:
            if int(found[1]) in _YEARS:
                dates.append(date(found))
        except ValueError:  # digits that are no date
            continue
    return dates
