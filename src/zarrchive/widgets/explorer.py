"""The whole tool as one widget: it draws a `Session` and passes on what the person does."""

from __future__ import annotations

from threading import BoundedSemaphore, Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet, ref

import anywidget
import traitlets as t

from zarrchive.session import Session
from zarrchive.widgets.parts import joined
from zarrchive.widgets.snapshot import snapshot_html

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarrchive.session import SessionState

__all__ = ["Explorer"]

_SECONDS_BETWEEN_VIEWS: Final = 0.1
_QUESTIONS_AT_ONCE: Final = 4


class Explorer(anywidget.AnyWidget):
    """Browse files, look into them, combine them, and export one virtual dataset.

    Python owns `view`, the browser never changes it; what a person does comes as messages.
    Messages may come on any thread: actions are applied there, questions are answered on
    threads of their own, and views are sent by one more, at most ten times a second.
    """

    _esm: Any = joined("js")
    _css: Any = joined("css")

    view = t.Dict(help="what the page shows").tag(sync=True)
    theme = t.Enum(["auto", "light", "dark"], "auto", help="colours").tag(sync=True)
    height = t.Unicode("640px", help="height of the page, as CSS says it").tag(sync=True)

    def __init__(self, session: Session | None = None, **traits: Any) -> None:  # noqa: ANN401 - traits of any type
        self.session = Session() if session is None else session
        self._turns = BoundedSemaphore(_QUESTIONS_AT_ONCE)
        self._changed = Event()
        self._ended = Event()
        self._send_lock = Lock()
        self._view_lock = Lock()
        self._serial = 0
        self._hosts: WeakSet[Any] = WeakSet()
        super().__init__(view=self._view(), **traits)
        self.on_msg(self._on_message)
        self._unsubscribe = self.session.subscribe(self._on_change)
        Thread(
            target=_keep_drawn,
            args=(ref(self), self._changed, self._ended),
            name="zarrchive-views",
            daemon=True,
        ).start()
        self._changed.set()

    @t.observe("comm")
    def _hear_while_cells_run(self, change: Any) -> None:  # noqa: ANN401 - of traitlets
        """Let the page choose the subshell that takes its messages: it chooses one that is free.

        ipykernel 7.4 takes the shell instead that wrote to the page last, which for views sent by
        a thread is the main one: there, all messages would wait until the running cell has ended.
        """
        if change["new"] is not None:
            change["new"]._reply_subshell_for = None  # noqa: SLF001 - there is no public switch

    def close(self) -> None:
        """Stop all work of the session, then close the connection to the page."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._changed.set()
        self._unsubscribe()
        self.session.close()
        super().close()

    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset or a DataTree
        """Return the combined virtual dataset or tree; None before there is one."""
        return self.session.dataset()

    def script(self) -> str:
        """Return what was done as a Python script that runs as it is."""
        return self.session.script()

    def send(self, content: Any, buffers: Sequence[bytes] | None = None) -> None:  # noqa: ANN401 - JSON
        """Send a message to every page that shows this widget, in a notebook or stand-alone."""
        for host in tuple(self._hosts):
            host.send_message({**content, "__buffers__": list(buffers or ())})
        with self._send_lock:
            super().send(content, buffers)

    def __panel__(self) -> Any:  # noqa: ANN401 - a Panel component
        """Return this widget as a Panel component that runs the same front end."""
        from zarrchive.widgets.panel_bridge import component_of  # noqa: PLC0415 - imports panel

        component = component_of(self)
        self._hosts.add(component)
        return component

    def _on_change(self, _state: SessionState) -> None:
        self._changed.set()

    def _view(self) -> dict[str, Any]:
        """Return the view with a number that grows, so that a page can tell which is newer."""
        with self._view_lock:
            self._serial += 1
            return {**self.session.view(), "serial": self._serial}

    def _draw(self) -> None:
        view = self._view()
        with self._send_lock:
            self.view = view

    def _on_message(self, _widget: object, message: Any, _buffers: object) -> None:  # noqa: ANN401 - JSON
        self.receive(message)

    def receive(self, message: Any) -> None:  # noqa: ANN401 - JSON
        """Take a message from the page, on any thread; whatever it holds, nothing is raised."""
        if not isinstance(message, dict):
            return
        if message.get("op") == "act":
            self.session.act(message)
        elif message.get("op") == "ask":
            Thread(
                target=self._answer, args=(message,), name="zarrchive-answer", daemon=True
            ).start()

    def _answer(self, message: Mapping[str, Any]) -> None:
        arguments = message.get("args")
        with self._turns:
            if self._ended.is_set():
                return
            if message.get("what") == "view":
                self.send({"rid": message.get("rid"), "result": self._view()})
                return
            answer = self.session.ask(
                str(message.get("what")), arguments if isinstance(arguments, dict) else {}
            )
            self.send({"rid": message.get("rid"), **answer.message()}, list(answer.buffers))

    def _repr_mimebundle_(self, **options: Any) -> Any:  # noqa: ANN401 - as anywidget
        """Show the widget; where there is no live kernel, what it last showed as plain HTML."""
        bundle: Any = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": snapshot_html(self.session.view())}, metadata


def _keep_drawn(widget: ref[Explorer], changed: Event, ended: Event) -> None:
    """Send a new view after changes, at most ten times a second, until the widget is gone."""
    while not ended.is_set():
        changed.wait()
        changed.clear()
        explorer = widget()
        if explorer is None or ended.is_set():
            return
        explorer._draw()  # noqa: SLF001 - the other half of the widget
        del explorer
        ended.wait(_SECONDS_BETWEEN_VIEWS)
