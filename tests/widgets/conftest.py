"""Explorers that write down what they send."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from zarrchive.session import Session
from zarrchive.widgets import Explorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Listening(Explorer):
    """Keeps the messages that would go to the page."""

    def __init__(self, session: Session) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.arrived = threading.Condition()
        super().__init__(session)

    def send(self, content: dict[str, Any], buffers: Any = None) -> None:
        with self.arrived:
            self.sent.append((content, list(buffers or [])))
            self.arrived.notify_all()

    def ask(self, what: str, **arguments: object) -> tuple[dict[str, Any], list[bytes]]:
        """Ask as the page does, and wait for the answer."""
        rid = f"test:{len(self.sent)}:{what}"
        self._handle_custom_msg({"op": "ask", "what": what, "args": arguments, "rid": rid}, [])

        def answers() -> list[tuple[dict[str, Any], list[bytes]]]:
            return [(m, b) for m, b in self.sent if m.get("rid") == rid]

        with self.arrived:
            assert self.arrived.wait_for(answers, timeout=30)
        return answers()[0]

    def act(self, kind: str, **fields: object) -> None:
        self._handle_custom_msg({"op": "act", "type": kind, **fields}, [])

    def wait_for(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not holds(self.view):
            assert time.monotonic() < end, self.view
            time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, first in (("a", 0.0), ("b", 4.0)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["t"] = np.arange(4) + first
            file["t"].make_scale("t")
            file.create_dataset("v", data=np.arange(12.0).reshape(4, 3) + first, chunks=(1, 3))
            file["v"].dims[0].attach_scale(file["t"])
    return tmp_path


@pytest.fixture
def explorer(folder: Path) -> Iterator[Listening]:
    made = Listening(Session(str(folder)))
    made.wait_for(lambda view: view["location"]["status"] == "ready")
    yield made
    made.close()
