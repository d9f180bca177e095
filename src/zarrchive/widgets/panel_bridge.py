"""The explorer inside Panel: the same front end, the same messages, nothing from a CDN."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import param
from panel.custom import AnyWidgetComponent

from zarrchive.widgets.parts import joined

if TYPE_CHECKING:
    from zarrchive.widgets.explorer import Explorer

__all__ = ["component_of"]

_NAMES: Final = MappingProxyType({"view": "view", "theme": "theme", "height": "page_height"})
"""Traits of the widget, and their names here; ``height`` is Panel's own, in pixels."""


@cache
def _component_class() -> type[Any]:
    """Make the class when it is first needed: that is when the front end is read."""

    class ExplorerComponent(AnyWidgetComponent):
        """Shows an `Explorer`: carries its traits and messages, and knows nothing else."""

        _esm = joined("js")
        _stylesheets = [joined("css")]  # noqa: RUF012 - as panel declares it

        view = param.Dict(default={})
        theme = param.String(default="auto")
        page_height = param.String(default="640px")

        def __init__(self, explorer: Explorer, **params: Any) -> None:  # noqa: ANN401 - parameters
            self._explorer = explorer
            super().__init__(**params)

        def _handle_msg(self, data: Any) -> None:  # noqa: ANN401 - JSON
            self._explorer.receive(data)

        def send_message(self, message: dict[str, Any]) -> None:
            """Send a message to the page; from any thread."""
            self._send_msg(message)

    return ExplorerComponent


def component_of(explorer: Explorer) -> Any:  # noqa: ANN401 - a Panel component
    """Return a Panel component that shows `explorer` and stays in step with it."""
    values = {ours: getattr(explorer, name) for name, ours in _NAMES.items()}
    component = _component_class()(explorer, sizing_mode="stretch_both", **values)
    from_page: set[str] = set()

    def to_page(change: Any) -> None:  # noqa: ANN401 - of traitlets
        if change["name"] not in from_page:
            component.param.update(**{_NAMES[change["name"]]: change["new"]})

    def to_widget(event: Any) -> None:  # noqa: ANN401 - of param
        from_page.add("theme")
        try:
            explorer.theme = event.new
        finally:
            from_page.discard("theme")

    explorer.observe(to_page, list(_NAMES))
    component.param.watch(to_widget, "theme")
    # What changed while the component was made.
    component.param.update(**{ours: getattr(explorer, name) for name, ours in _NAMES.items()})
    return component
