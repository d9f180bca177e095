"""Whatever a person does in whatever order: no traceback, and always a view."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from zarrchive.session import Session

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a.h5", "b.h5", "tree.h5", "page.nc", "gone.h5")
PATHS = ("/", "/v", "/t", "/g", "/g/w", "/nowhere")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("machine")
    for name, first in (("a.h5", 0), ("b.h5", 4), ("tree.h5", 8)):
        with h5py.File(found / name, "w") as file:
            file["t"] = np.arange(4.0) + first
            file["t"].make_scale("t")
            file.create_dataset("v", data=np.arange(4) + first, chunks=(2,))
            file["v"].dims[0].attach_scale(file["t"])
            if name == "tree.h5":
                file["g/w"] = np.ones((2, 3))
    (found / "page.nc").write_text("<html>")
    return found


class Person(RuleBasedStateMachine):
    """Acts and asks at random."""

    folder: Path
    target: Path

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(str(self.folder))
        self.act("ChooseExport", format="kerchunk-json", path=str(self.target))

    def teardown(self) -> None:
        self.session.close()

    def act(self, kind: str, **fields: Any) -> None:
        assert self.session.act({"type": kind, **fields}) is None

    @rule(step=st.sampled_from(["files", "look", "combine", "export"]))
    def go(self, step: str) -> None:
        self.act("GoTo", step=step)

    @rule(names=st.lists(st.sampled_from(NAMES), max_size=3), on=st.booleans())
    def tick(self, names: list[str], on: bool) -> None:  # noqa: FBT001 - drawn
        self.act("Tick", urls=[str(self.folder / name) for name in names], on=on)

    @rule(name=st.sampled_from(NAMES))
    def look(self, name: str) -> None:
        self.act("LookAt", url=str(self.folder / name))

    @rule(
        kind=st.sampled_from(["PickVariables", "SetLoad"]),
        paths=st.lists(st.sampled_from(PATHS), max_size=2),
        on=st.booleans(),
    )
    def choose_variables(self, kind: str, paths: list[str], on: bool) -> None:  # noqa: FBT001
        self.act(kind, paths=paths, on=on)

    @rule(
        how=st.sampled_from(["auto", "concat", "merge", "single"]),
        dim=st.sampled_from(["", "t", "new", "phony_dim_0"]),
        order=st.sampled_from(["coordinate", "name"]),
    )
    def choose_how(self, how: str, dim: str, order: str) -> None:
        self.act("ChooseCombine", how=how, dim=dim, order=order)

    @rule(
        kind=st.sampled_from(
            ["Combine", "Export", "Refresh", "ClearTasks", "ClearCollection", "TickAll"]
        )
    )
    def press(self, kind: str) -> None:
        self.act(kind, **({"on": True} if kind == "TickAll" else {}))

    @rule(what=st.sampled_from(["tree", "node", "preview", "chunk_map", "search_tree"]))
    def wonder(self, what: str) -> None:
        for url in (None, str(self.folder / "tree.h5"), str(self.folder / "page.nc")):
            for path in PATHS:
                answer = self.session.ask(what, {"url": url, "path": path, "text": "g"})
                assert (answer.result is None) != (answer.problem is None)
                code = "" if answer.problem is None else answer.problem.code
                assert code not in {"unexpected-error", "query-not-understood"}, answer.problem

    @rule()
    def wait(self) -> None:
        end = time.monotonic() + 60
        while self.session.busy:
            assert time.monotonic() < end
            time.sleep(0.002)
        view = self.session.view()
        assert view["combine"]["status"] not in {"scanning", "running"}, view["combine"]
        assert view["export"]["status"] != "running", view["export"]
        assert not [task for task in view["tasks"] if task["status"] == "running"]

    @invariant()
    def can_be_drawn(self) -> None:
        view = self.session.view()
        json.dumps(view, allow_nan=False)
        compile(view["script"], "script", "exec")
        codes = {problem["code"] for problem in view["combine"]["problems"]}
        assert "unexpected-error" not in codes, view["combine"]
        assert not self.session.state.messages


def test_any_order_of_actions_and_questions(folder: Path, tmp_path: Path) -> None:
    here = type("Here", (Person,), {"folder": folder, "target": tmp_path / "out.json"})
    run_state_machine_as_test(
        here, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
    )
