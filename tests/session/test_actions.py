"""Messages become actions; everything else becomes a Problem."""

from __future__ import annotations

from dataclasses import asdict
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import Problem
from zarrchive.session.actions import SortListing, Tick, UserAction, action_from_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = st.one_of([st.from_type(kind) for kind in get_args(UserAction)])


@given(ACTIONS)
def test_an_action_survives_the_message(action: UserAction) -> None:
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(action).items()}
    message = {"op": "act", "type": type(action).__name__, **fields}
    assert action_from_message(message) == action


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_anything_else_is_a_problem(message: dict[str, object]) -> None:
    found = action_from_message(message)
    assert isinstance(found, Problem)
    assert found.code == "action-not-understood"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "Tick", "urls": ["a"]}, "'on' is missing"),
        ({"type": "Tick", "urls": "a", "on": True}, "a list of strings"),
        ({"type": "Tick", "urls": ["a", 1], "on": True}, "a list of strings"),
        ({"type": "Tick", "urls": ["a"], "on": 1}, "true or false"),
        ({"type": "GoTo", "step": "nowhere"}, "one of 'files'"),
        ({"type": "GoTo", "step": "files", "more": 1}, "unknown field 'more'"),
        ({"type": "ChooseExport", "format": "kerchunk-json", "zarr_format": True}, "one of 2, 3"),
        ({"type": "Exported", "report": {}}, "not an action"),
        ({"type": ["Tick"]}, "not an action"),
        ({}, "not an action"),
    ],
)
def test_what_is_wrong_is_said(message: dict[str, object], words: str) -> None:
    found = action_from_message(message)
    assert isinstance(found, Problem)
    assert words in found.what


def test_fields_with_defaults_may_be_left_out() -> None:
    assert action_from_message({"type": "SortListing", "key": "size"}) == SortListing(key="size")
    assert action_from_message({"type": "Tick", "urls": [], "on": False}) == Tick(urls=(), on=False)
