"""The one mutable object: the current state, what happened, and who wants to know."""

from __future__ import annotations

import os
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from zarrchive.errors import Problem
from zarrchive.optional import import_dask
from zarrchive.session import actions as a
from zarrchive.session import results as r
from zarrchive.session.effects import SniffFiles, effects_of
from zarrchive.session.library import Library
from zarrchive.session.queries import Answer, answer
from zarrchive.session.reduce import reduce
from zarrchive.session.script import script_of
from zarrchive.session.state import Export, SessionState
from zarrchive.session.tasks import Lanes
from zarrchive.session.views import Views
from zarrchive.session.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


__all__ = ["Session"]


class Session:
    """One exploration: dispatch actions, read `state` and `view`, ask questions.

    Safe to use from several threads. Subscribers are called on whichever thread changed the
    state, without any lock held; they must be quick.

    Parameters
    ----------
    location
        Folder, glob, file or URL to open; None opens nothing.
    storage_options
        For the file system of remote locations; they stay in this object.
    """

    def __init__(
        self, location: str | None = None, *, storage_options: Mapping[str, Any] | None = None
    ) -> None:
        path = os.path.join(os.getcwd(), "combined.json")  # noqa: PTH109, PTH118 - a location
        self.state = SessionState(export=Export(path=path))
        self.log: list[a.UserAction] = []
        self.library = Library(storage_options)
        self._lanes = Lanes(self.dispatch)
        self._work = Work(self.library, self._lanes, self.dispatch, lambda: self.state)
        self._views = Views()
        self._subscribers: list[Callable[[SessionState], None]] = []
        self._lock = RLock()
        import_dask()
        if location is not None:
            self.dispatch(a.OpenLocation(url=location))

    def dispatch(self, action: r.Action) -> None:
        """Apply `action`, start the work that it calls for, and tell the subscribers."""
        if isinstance(action, a.PickVariables | a.SetLoad):
            action = replace(action, paths=self._work.variables_below(action.paths))
        with self._lock:
            before = self.state
            self.state = after = reduce(before, action)
            if isinstance(action, a.UserAction):
                self.log.append(action)
            effects = effects_of(before, action, after)
            for effect in effects:
                self._work.start(effect)
            subscribers = tuple(self._subscribers) if after is not before else ()
        for notify in subscribers:
            notify(after)

    def act(self, message: Mapping[str, Any]) -> Problem | None:
        """Dispatch an action that came as a message; a Problem if it was none."""
        action = a.action_from_message(message)
        if isinstance(action, Problem):
            self.dispatch(r.Rejected(problem=action))
            return action
        self.dispatch(action)
        return None

    def ask(self, what: str, arguments: Mapping[str, Any] | None = None) -> Answer:
        """Answer a query of the interface; may read files, so call it on a worker thread.

        Never raises: what cannot be answered comes back as the Problem of the answer.
        """
        result = answer(what, dict(arguments or {}), self.state, self._work)
        if unsniffed := result.unsniffed:
            self._work.start(SniffFiles(unsniffed))
        return result

    def view(self) -> dict[str, Any]:
        """Return what the page shows, ready for JSON."""
        return self._views.view_of(self.state, self._work)

    def script(self) -> str:
        """Return the session as a Python script that runs as it is."""
        return script_of(self.state, has_options=bool(self.library.storage_options))

    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset or a DataTree
        """Return the combined virtual dataset; None before there is one."""
        return self._work.dataset(self.state.combine.key)

    def subscribe(self, notify: Callable[[SessionState], None]) -> Callable[[], None]:
        """Call `notify` after each change; returns the function that stops it."""
        with self._lock:
            self._subscribers.append(notify)

        def stop() -> None:
            with self._lock:
                if notify in self._subscribers:
                    self._subscribers.remove(notify)

        return stop

    @property
    def busy(self) -> bool:
        """Whether work is going on in the background."""
        return self._lanes.busy

    def close(self) -> None:
        """Cancel all work and forget the subscribers."""
        self._lanes.close()
        with self._lock:
            self._subscribers.clear()
