"""The message protocol of the explorer, without a browser or a kernel."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import zarrchive
from zarrchive.widgets import Explorer
from zarrchive.widgets.parts import joined

if TYPE_CHECKING:
    from pathlib import Path


def test_four_steps_by_messages(explorer: Any, folder: Path, tmp_path: Path) -> None:
    explorer.act("TickAll", on=True)
    explorer.act("GoTo", step="combine")
    explorer.wait_for(lambda view: view["combine"]["status"] == "ready")
    assert "2 files joined along t" in explorer.view["combine"]["sentence"]
    explorer.act("ChooseExport", format="kerchunk-json", path=str(tmp_path / "out.json"))
    explorer.act("Export")
    explorer.wait_for(lambda view: view["export"]["status"] == "done")
    assert explorer.dataset().sizes["t"] == 8
    assert "to_kerchunk" in explorer.script()


def test_values_travel_as_bytes(explorer: Any, folder: Path) -> None:
    message, buffers = explorer.ask("preview", url=str(folder / "b.h5"), path="/v")
    assert message["result"]["shape"] == [4, 3]
    values = np.frombuffer(buffers[0], np.float32).reshape(4, 3)
    np.testing.assert_array_equal(values, np.arange(12).reshape(4, 3) + 4)
    _, (kinds, sizes) = explorer.ask("chunk_map", url=str(folder / "b.h5"), path="/v")
    assert (list(kinds), len(sizes)) == ([2, 2, 2, 2], 16)


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        [],
        {},
        {"op": "__class__"},
        {"op": "act"},
        {"op": "act", "type": "Exported", "report": 1},
        {"op": "act", "type": "GoTo", "step": 9},
        {"op": "ask"},
        {"op": "ask", "what": "tree", "args": 5, "rid": {}},
    ],
)
def test_no_message_raises(explorer: Any, message: object) -> None:
    explorer._handle_custom_msg(message, [])
    explorer.ask("files")
    assert explorer.view["step"] == "files"


def test_a_message_that_is_no_action_is_shown_as_a_problem(explorer: Any) -> None:
    explorer.act("NoSuchThing")
    explorer.wait_for(lambda view: view["problems"]["errors"] == 1)
    message, _ = explorer.ask("problems", start=0, count=5)
    assert message["result"]["rows"][0]["code"] == "action-not-understood"


def test_a_question_without_answer_is_answered_with_a_problem(explorer: Any) -> None:
    message, buffers = explorer.ask("node", url="/nowhere.nc", path="/")
    assert message["problem"]["code"] == "location-missing"
    assert message["problem"]["hint"]
    assert (buffers, "result" in message) == ([], False)


def test_views_are_sent_at_most_ten_times_a_second(explorer: Any) -> None:
    seen: list[float] = []
    explorer.observe(lambda _: seen.append(time.monotonic()), "view")
    number = 0
    while number < 50 or len(seen) < 5:
        number += 1
        explorer.act("FilterListing", text=str(number))
    explorer.wait_for(lambda view: view["listing"]["filter"] == str(number))
    assert min(np.diff(seen)) > 0.099
    assert len(seen) < number


def test_messages_may_come_on_any_thread(explorer: Any, folder: Path) -> None:
    urls = [str(folder / "a.h5"), str(folder / "b.h5")]

    def toggle(url: str) -> None:
        for on in (True, False) * 20 + (True,):
            explorer.act("Tick", urls=[url], on=on)
            explorer.ask("collection", start=0, count=9)

    threads = [threading.Thread(target=toggle, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(explorer.session.state.collection.entries) == urls


def test_a_notebook_without_kernel_shows_a_picture_with_escaped_text(folder: Path) -> None:
    odd = folder / "<b>&"
    odd.mkdir()
    explorer = zarrchive.explore(odd)
    bundle = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "&lt;b&gt;&amp;" in data["text/html"]
    assert "<b>&" not in data["text/html"]
    explorer.close()


def test_closing_ends_its_threads_and_is_idempotent(explorer: Any) -> None:
    explorer.close()
    explorer.close()
    explorer._handle_custom_msg({"op": "act", "type": "Refresh"}, [])
    assert not explorer.session.busy


def test_the_front_end_is_one_module_without_imports() -> None:
    source = joined("js")
    lines = [line for line in source.splitlines() if line.startswith(("import ", "export "))]
    assert [line.split()[1] for line in lines] == ["default"]
    assert "--jp-" in joined("css")


def test_explore_opens_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    explorer = zarrchive.explore()
    assert isinstance(explorer, Explorer)
    assert explorer.view["location"]["url"] == str(folder)
    explorer.close()


def test_panel_shows_the_same_view(explorer: Any) -> None:
    component = explorer.__panel__()
    assert component.view == explorer.view
    explorer.act("FilterListing", text="b")
    explorer.wait_for(lambda view: view["listing"]["shown"] == 1)
    assert component.view["listing"]["shown"] == 1
    component.theme = "dark"
    assert explorer.theme == "dark"
