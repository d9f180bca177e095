"""Sessions on real files: what works, what is broken, what is cancelled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from zarrchive.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Settle = "Callable[[Session], None]"


def ask(session: Session, what: str, **arguments: object) -> dict[str, Any]:
    answer = session.ask(what, arguments)
    assert answer.problem is None, answer.problem
    json.dumps(answer.result, allow_nan=False)
    return answer.result


def test_threads_never_import_dask_at_once() -> None:
    """Each could find half of it: its modules import one another in a circle."""
    script = (
        "import sys; from zarrchive.session import Session\n"
        "Session(); print('dask.base' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_browse_look_pick_combine_export(
    open_session: Callable[..., Session], settle: Settle, months: Path, tmp_path: Path
) -> None:
    session = open_session(months)
    rows = ask(session, "files", start=0, count=2)["rows"]
    assert [row["name"] for row in rows] == ["a.nc", "b.nc"]
    settle(session)
    assert {row["format"] for row in ask(session, "files")["rows"][:2]} == {"netCDF-4"}
    session.act({"type": "LookAt", "url": rows[0]["url"]})
    settle(session)
    assert session.view()["look"]["status"] == "ready"
    nodes = ask(session, "tree", url=rows[0]["url"], path="/")["nodes"]
    assert [node["name"] for node in nodes] == ["time", "lat", "lon", "t2m", "tp"]
    card = ask(session, "node", url=rows[0]["url"], path="/t2m")
    assert (card["chunks"], card["nchunks"], card["stored_chunks"]) == ([1, 4, 6], 4, 4)
    session.act({"type": "PickVariables", "paths": ["/tp"], "on": False})
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    settle(session)
    view = session.view()["combine"]
    assert (view["status"], view["nvariables"], view["npicked"]) == ("ready", 5, 4)
    path = tmp_path / "out.json"
    session.act({"type": "ChooseExport", "format": "kerchunk-json", "path": str(path)})
    session.act({"type": "Export"})
    settle(session)
    export = session.view()["export"]
    assert export["status"] == "done", export
    assert export["report"]["size"] == path.stat().st_size
    assert all(judged["size"] > 0 for judged in export["formats"])
    result = session.view()["combine"]["result"]
    assert result["dims"]["time"] == 12
    rows = ask(session, "variables", of="result")["rows"]
    assert {row["name"] for row in rows} == {"time", "lat", "lon", "t2m"}
    assert ask(session, "preview", url=None, path="/t2m", index={"time": 11})["kind"] == "image"


def bad_files(folder: Path) -> dict[str, str]:
    """Make files that cannot be read, with the code that each must get."""
    (folder / "page.nc").write_text("<!DOCTYPE html><html><body>Sign in</body></html>")
    (folder / "empty.nc").write_bytes(b"")
    (folder / "noise.h5").write_bytes(bytes(range(1, 200)) * 9)
    with h5py.File(folder / "cut.h5", "w") as file:
        file["x"] = np.arange(10_000)
    data = (folder / "cut.h5").read_bytes()
    (folder / "cut.h5").write_bytes(data[: len(data) // 3])
    os.mkfifo(folder / "pipe.nc")
    (folder / "gone.nc").symlink_to(folder / "nowhere")
    return {
        "page.nc": "format-not-data",
        "empty.nc": "file-empty",
        "noise.h5": "format-unknown",
        "cut.h5": "",
        "pipe.nc": "location-not-a-file",
        "gone.nc": "location-missing",
    }


@pytest.mark.parametrize(
    "name", ["page.nc", "empty.nc", "noise.h5", "cut.h5", "pipe.nc", "gone.nc"]
)
def test_a_file_that_cannot_be_read_is_one_clear_problem(
    open_session: Callable[..., Session], settle: Settle, tmp_path: Path, name: str
) -> None:
    code = bad_files(tmp_path)[name]
    session = open_session(tmp_path)
    url = str(tmp_path / name)
    session.act({"type": "LookAt", "url": url})
    settle(session)
    look = session.view()["look"]
    assert look["status"] == "failed"
    assert look["problem"]["where"] == url
    assert look["problem"]["code"] != "unexpected-error"
    if code:
        assert look["problem"]["code"] == code
    for what in ("tree", "node", "search_tree"):
        assert session.ask(what, {"url": url, "path": "/", "text": "x"}).problem is not None
    assert not session.state.messages


def test_bad_files_do_not_stop_the_good_ones(
    combined: Callable[..., Session], months: Path
) -> None:
    bad_files(months)
    session = combined(months)
    combine = session.view()["combine"]
    assert combine["status"] == "done", combine
    # The pipe and the dead link cannot be ticked at all.
    assert session.view()["collection"]["failed"] == 4
    assert combine["result"]["dims"]["time"] == 12
    assert "4 files cannot be read and stay out" in combine["sentence"]
    wheres = {problem["where"] for problem in combine["problems"]}
    assert {str(months / name) for name in ("page.nc", "empty.nc", "cut.h5")} <= wheres
    statuses = {row["name"]: row["status"] for row in ask(session, "collection")["rows"]}
    assert (statuses["page.nc"], statuses["a.nc"]) == ("failed", "ok")


@pytest.mark.parametrize(
    "location", ["/nowhere/at/all", "", "nosuch://x/y", "/data/**/*.nothing", "\0"]
)
def test_a_location_that_is_none_is_a_problem(
    open_session: Callable[..., Session], location: str
) -> None:
    session = open_session(location)
    view = session.view()["location"]
    assert view["status"] == "failed"
    assert view["problem"]["hint"]
    assert view["problem"]["code"] != "unexpected-error"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_a_problem(
    open_session: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    assert open_session(tmp_path / "closed").view()["location"]["status"] == "failed"


def test_opening_a_file_lists_its_folder_and_looks_at_it(
    open_session: Callable[..., Session], months: Path
) -> None:
    session = open_session(months / "b.nc")
    view = session.view()
    assert view["location"]["url"] == str(months)
    assert (view["step"], view["look"]["status"]) == ("look", "ready")


def test_going_to_look_shows_the_first_file_of_the_collection(
    open_session: Callable[..., Session], settle: Settle, months: Path
) -> None:
    session = open_session(months)
    session.act({"type": "GoTo", "step": "look"})
    assert session.view()["look"]["file"] is None
    session.act({"type": "GoTo", "step": "files"})
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "look"})
    settle(session)
    look = session.view()["look"]
    assert (look["file"], look["status"]) == (str(months / "a.nc"), "ready")


def test_patterns_and_lists_are_locations(
    open_session: Callable[..., Session], months: Path, tmp_path: Path
) -> None:
    assert open_session(months.parent / "**" / "[ab].nc").view()["listing"]["total"] == 2
    (tmp_path / "list.txt").write_text(f"{months / 'a.nc'}\n")
    assert open_session(tmp_path / "list.txt").view()["listing"]["total"] == 1


def test_looking_at_a_file_with_thousands_of_variables(
    open_session: Callable[..., Session], settle: Settle, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(2000):
            file[f"group{number % 50}/v{number}"] = number
    session = open_session(tmp_path / "many.h5")
    url = str(tmp_path / "many.h5")
    nodes = ask(session, "tree", url=url, path="/")["nodes"]
    assert len(nodes) == 50
    assert nodes[0]["children"] == 40
    found = ask(session, "search_tree", url=url, text="v1")["nodes"]
    assert len(found) == 500
    session.act({"type": "PickVariables", "paths": ["/group7"], "on": False})
    assert len(session.state.combine.unpicked) == 40


def test_cancel_stops_a_scan(
    open_session: Callable[..., Session],
    settle: Settle,
    months: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = open_session(months)
    began, go_on = threading.Event(), threading.Event()
    scan = session.library.scan

    def slow(url: str) -> object:
        began.set()
        assert go_on.wait(30)
        return scan(url)

    monkeypatch.setattr(session.library, "scan", slow)
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    assert began.wait(30)
    [task] = [task for task in session.view()["tasks"] if task["status"] == "running"]
    session.act({"type": "Cancel", "task": task["id"]})
    settle(session)
    go_on.set()
    view = session.view()
    assert view["combine"]["status"] == "failed"
    assert view["combine"]["problems"][0]["code"] == "task-cancelled"
    assert view["tasks"][-1]["status"] == "cancelled"
    monkeypatch.undo()
    session.act({"type": "Combine"})
    settle(session)
    assert session.view()["combine"]["status"] == "done"


def test_a_new_choice_overtakes_a_scan(
    open_session: Callable[..., Session], settle: Settle, months: Path
) -> None:
    session = open_session(months)
    session.act({"type": "TickAll", "on": True})
    session.act({"type": "GoTo", "step": "combine"})
    for name in "abc":
        session.act({"type": "LeaveOut", "urls": [str(months / f"{name}.nc")]})
        if name == "b":
            break
    settle(session)
    view = session.view()["combine"]
    assert (view["status"], view["files"]) == ("ready", 1)


def test_no_source_file_is_ever_replaced(
    combined: Callable[..., Session], settle: Settle, months: Path
) -> None:
    before = (months / "a.nc").read_bytes()
    session = combined(months)
    link = months.parent / "link.nc"
    link.symlink_to(months / "a.nc")
    for path in (months / "a.nc", link):
        session.act({"type": "ChooseExport", "format": "kerchunk-json", "path": str(path)})
        session.act({"type": "Export"})
        settle(session)
        assert session.view()["export"]["problem"]["code"] == "export-over-source"
    assert (months / "a.nc").read_bytes() == before


def test_refresh_reads_changed_files_again(
    open_session: Callable[..., Session],
    settle: Settle,
    months: Path,
    month: Callable[..., None],
) -> None:
    session = open_session(months / "b.nc")
    url = str(months / "b.nc")
    assert ask(session, "node", url=url, path="/t2m")["shape"] == [5, 4, 6]
    month(months / "b.nc", first=0, days=2)
    session.act({"type": "Refresh"})
    settle(session)
    assert ask(session, "node", url=url, path="/t2m")["shape"] == [2, 4, 6]


def test_subscribers_hear_of_changes_until_they_stop(months: Path, settle: Settle) -> None:
    session = Session()
    heard = []
    stop = session.subscribe(heard.append)
    session.act({"type": "OpenLocation", "url": str(months)})
    settle(session)
    assert heard[-1] == session.state
    stop()
    count = len(heard)
    session.act({"type": "TickAll", "on": True})
    settle(session)
    assert len(heard) == count
    session.close()


def test_a_closed_session_does_no_more_work(months: Path) -> None:
    session = Session()
    session.close()
    session.act({"type": "OpenLocation", "url": str(months)})
    assert session.view()["location"]["status"] == "loading"
    assert not session.busy


@pytest.mark.parametrize(
    ("what", "arguments"),
    [
        ("nothing", {}),
        ("tree", {"url": "/nowhere.nc", "path": "/"}),
        ("node", {"url": None, "path": "/"}),
        ("preview", {}),
        ("preview", {"url": None, "path": "/x"}),
        ("files", {"start": "x"}),
        ("chunk_map", {"url": [], "path": {}}),
    ],
)
def test_questions_that_have_no_answer_are_problems(
    open_session: Callable[..., Session], what: str, arguments: dict[str, object]
) -> None:
    answer = open_session().ask(what, arguments)
    assert answer.problem is not None
    assert answer.message().keys() == {"problem"}
