"""One browser tab: an explorer with a session of its own, filling the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import panel as pn
from tornado.web import RequestHandler

from zarrchive.session import Session
from zarrchive.widgets.explorer import Explorer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Icon", "Refused", "make_page"]

_TEMPLATE: Final = """
{% extends base %}
{% block title %}Zarrchive{% endblock %}
{% block postamble %}
<meta name="color-scheme" content="light dark">
<style>
  html, body { margin: 0; padding: 0; height: 100%; background: Canvas; }
</style>
{% endblock %}
{% block contents %}{{ embed(roots.explorer) }}{% endblock %}
"""

_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#00687f">'
    '<path d="M1 2h4v4H1zM6 2h4v4H6zM11 2h4v4h-4zM3.5 7h4v4h-4zM8.5 7h4v4h-4zM6 12h4v3H6z"/></svg>'
)


class Refused(RequestHandler):
    """Answers every request without the secret."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("This address needs the secret that zarrchive printed when it started.\n")


class Icon(RequestHandler):
    """The picture in the browser's tab."""

    def get(self) -> None:
        self.set_header("Content-Type", "image/svg+xml")
        self.finish(_ICON)


def make_page(
    location: str | os.PathLike[str] | None,
    storage_options: Mapping[str, Any] | None,
    explorers: set[Any],
) -> Any:  # noqa: ANN401 - panel is untyped
    """Return the page of a new tab; its session ends when the tab is closed."""
    here = os.getcwd() if location is None else os.fspath(location)  # noqa: PTH109
    explorer = Explorer(Session(here, storage_options=storage_options), height="100vh")
    explorers.add(explorer)

    def end(_context: object) -> None:
        explorers.discard(explorer)
        explorer.close()

    pn.state.on_session_destroyed(end)
    template = pn.Template(_TEMPLATE)
    template.add_panel("explorer", pn.panel(explorer))
    return template
