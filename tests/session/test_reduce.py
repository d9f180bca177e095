"""Laws of the reducer: any sequence of actions leaves a state that can be drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import reduce as fold
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from zarrchive.errors import Problem
from zarrchive.location.listing import FolderEntry
from zarrchive.session import actions as a
from zarrchive.session import results as r
from zarrchive.session.effects import ListLocation, MakePlan, RunPlan, effects_of
from zarrchive.session.library import Library
from zarrchive.session.reduce import reduce
from zarrchive.session.state import ExportFormat, Scan, SessionState, Sniff, Task
from zarrchive.session.tasks import Lanes
from zarrchive.session.views import Views, problems_in
from zarrchive.session.work import Work

URLS = st.sampled_from([f"/data/{name}" for name in ("a.nc", "b.h5", "c d%.nc", "e\udcff", "sub")])
ENTRIES = st.lists(
    st.builds(
        FolderEntry,
        st.text(max_size=6),
        URLS,
        st.sampled_from(["folder", "file"]),
        st.none() | st.integers(0, 10**12),
        st.none() | st.floats(0, 2e9),
    ),
    max_size=6,
    unique_by=lambda entry: entry.url,
).map(tuple)
PROBLEM = Problem(code="x", where="/data/a.nc", what="found this", hint="do that")
PROBLEMS = st.just(PROBLEM) | st.builds(
    Problem, code=st.just("y"), where=URLS, what=st.text(), hint=st.text(), variable=st.text()
)
RESULTS = st.one_of(
    st.builds(r.Listed, key=st.integers(0, 3), url=URLS, entries=ENTRIES, file=st.none() | URLS),
    st.builds(r.ListingFailed, key=st.integers(0, 3), problem=PROBLEMS),
    st.builds(
        r.Sniffed, formats=st.dictionaries(URLS, st.builds(Sniff, st.none() | st.text(), PROBLEMS))
    ),
    st.builds(r.Looked, url=URLS, problem=st.none() | PROBLEMS, problems=st.tuples(PROBLEMS)),
    st.builds(
        r.Scanned,
        scans=st.dictionaries(
            URLS, st.builds(Scan, status=st.sampled_from(["ok", "failed"]), problems=st.tuples())
        ),
    ),
    st.builds(r.CombineFailed, key=st.integers(0, 9), problems=st.tuples(PROBLEMS)),
    st.builds(r.Rejected, problem=PROBLEMS),
    st.builds(r.TaskEnded, id=st.text(), status=st.sampled_from(["done", "cancelled", "failed"])),
    st.builds(r.TaskProgressed, task=st.builds(Task, id=st.text(), label=st.text())),
)
USER = st.one_of([st.from_type(kind) for kind in get_args(a.UserAction)]) | st.builds(
    a.Tick, urls=st.lists(URLS).map(tuple), on=st.booleans()
)
SEQUENCES = st.lists(USER | RESULTS, max_size=25)


def states(actions: list[r.Action]) -> list[SessionState]:
    found = [SessionState()]
    for action in actions:
        found.append(reduce(found[-1], action))
    return found


def idle_work() -> Work:
    return Work(Library(), Lanes(lambda _: None), lambda _: None, SessionState)


@given(SEQUENCES)
def test_every_state_can_be_drawn_as_json(actions: list[r.Action]) -> None:
    views, work = Views(), idle_work()
    for state in states(actions):
        view = views.view_of(state, work)
        json.dumps(view, allow_nan=False, ensure_ascii=False).encode()
        assert view["step"] == state.step
        assert view["problems"]["count"] == len(problems_in(state))


@given(SEQUENCES)
def test_reducing_is_pure(actions: list[r.Action]) -> None:
    assert states(actions) == states(actions)
    assert fold(reduce, actions, SessionState()) == states(actions)[-1]


@given(SEQUENCES)
def test_invariants(actions: list[r.Action]) -> None:
    for state in states(actions):
        listing, collection = state.listing, state.collection
        assert len(set(listing.shown)) == len(listing.shown) <= len(listing.entries)
        assert collection.scans.keys() <= collection.entries.keys()
        assert all(entry.kind == "file" for entry in collection.entries.values())
        if not collection.entries:
            assert state.combine.status in {"idle", "failed"}
            assert not state.combine.variables
        if state.combine.status == "done":
            assert state.combine.result is not None


@given(SEQUENCES)
def test_a_plan_is_made_exactly_when_one_is_waited_for(actions: list[r.Action]) -> None:
    seen = states(actions)
    for before, action, after in zip(seen, actions, seen[1:], strict=False):
        effects = effects_of(before, action, after)
        begun = [effect for effect in effects if isinstance(effect, MakePlan | RunPlan)]
        waiting = after.combine.status in {"scanning", "running"}
        was_waiting = before.combine.status in {"scanning", "running"}
        if waiting and (not was_waiting or before.combine.key != after.combine.key):
            assert begun
        assert all(effect.key == after.combine.key for effect in begun)
        listed = [effect for effect in effects if isinstance(effect, ListLocation)]
        assert bool(listed) == (before.location.key != after.location.key)


def test_ticking_and_unticking_is_nothing() -> None:
    entry = FolderEntry("a.nc", "/data/a.nc", "file", 5)
    opened = reduce(SessionState(), a.OpenLocation(url="/data"))
    listed = reduce(opened, r.Listed(key=1, url="/data", entries=(entry,)))
    ticked = reduce(listed, a.Tick(urls=("/data/a.nc", "/data/other"), on=True))
    assert list(ticked.collection.entries) == ["/data/a.nc"]
    assert reduce(ticked, a.Tick(urls=("/data/a.nc",), on=True)) is ticked
    assert not reduce(ticked, a.TickAll(on=False)).collection.entries


def test_folders_and_unreadable_entries_cannot_be_ticked() -> None:
    entries = (
        FolderEntry("sub", "/data/sub", "folder"),
        FolderEntry("pipe", "/data/pipe", "file", problem=PROBLEM),
    )
    opened = reduce(SessionState(), a.OpenLocation(url="/data"))
    listed = reduce(opened, r.Listed(key=1, url="/data", entries=entries))
    assert reduce(listed, a.TickAll(on=True)) is listed


def test_answers_that_come_too_late_change_nothing() -> None:
    state = reduce(SessionState(), a.OpenLocation(url="/one"))
    state = reduce(state, a.OpenLocation(url="/two"))
    assert reduce(state, r.Listed(key=1, url="/one", entries=())) is state
    assert reduce(state, r.ListingFailed(key=1, problem=PROBLEM)) is state
    assert reduce(state, r.Looked(url="/data/a.nc")) is state


def test_problems_of_formats_that_were_not_chosen_do_not_count() -> None:
    other = ExportFormat(id="icechunk", label="Icechunk", says="", problems=(PROBLEM,))
    judged = (ExportFormat(id="kerchunk-json", label="JSON", says=""), other)
    state = SessionState()
    state = replace(state, export=replace(state.export, formats=judged))
    assert problems_in(state) == []
    assert problems_in(reduce(state, a.ChooseExport(format="icechunk"))) == [PROBLEM]


def test_the_suffix_follows_the_format_unless_a_name_is_given() -> None:
    state = reduce(SessionState(), a.ChooseExport(format="kerchunk-json", path="/out/x.json"))
    state = reduce(state, a.ChooseExport(format="kerchunk-parquet"))
    assert state.export.path == "/out/x.parq"
    state = reduce(state, a.ChooseExport(format="kerchunk-json", path="/out/mine"))
    assert state.export.path == "/out/mine"
