"""Values in the words of people."""

from __future__ import annotations

import cftime
import numpy as np
import pytest

from zarrchive.combine.texts import value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.datetime64("2000-01-08T00:00:00", "ns"), "2000-01-08"),
        (np.datetime64("2000-01-08T06:00:00", "ns"), "2000-01-08T06:00"),
        (np.datetime64("2000-01-08T06:00:00.5", "ns"), "2000-01-08T06:00:00.500"),
        (np.datetime64("NaT", "ns"), "NaT"),
        (np.float64(850.0), "850.0"),
        (cftime.DatetimeNoLeap(2000, 2, 3), "2000-02-03 00:00:00"),
        ("a", "a"),
    ],
)
def test_a_value_is_as_exact_as_it_is(value, text) -> None:
    assert value_text(value) == text
