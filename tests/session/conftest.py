"""Folders of small files, and a way to wait for a session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from zarrchive.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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


@pytest.fixture
def assert_same(tmp_path: Path) -> Callable[..., None]:
    """Compare the references of the script's dataset with those of the session's."""

    def compare(session: Session, **options: Any) -> None:
        assert session.state.combine.status == "done", session.state.combine
        ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
        session.dataset().virtual.to_kerchunk(str(ours), **options)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(session.script(), "script.py", "exec"), names)  # noqa: S102 - it is what is tested
        names.get("tree", names.get("ds")).virtual.to_kerchunk(str(theirs), **options)
        assert ours.read_text() == theirs.read_text()

    return compare
