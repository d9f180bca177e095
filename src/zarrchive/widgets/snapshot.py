"""What a notebook shows where the widget is not alive: plain HTML without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["snapshot_html"]

_STYLE: Final = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5;"
    "border:1px solid var(--jp-border-color2,#8885);border-radius:4px;padding:12px 16px"
)
_MAX_SCRIPT: Final = 20_000


def snapshot_html(view: Mapping[str, Any]) -> str:
    """Return the state of the explorer as HTML; all text from files is escaped."""
    collection, combine, report = view["collection"], view["combine"], view["export"]["report"]
    rows = [("Location", view["location"]["url"] or "none")]
    if view["look"]["file"]:
        rows.append(("Looking at", f"{view['look']['file']} {view['look']['node'] or ''}"))
    if collection["count"]:
        rows.append(("Collection", f"{collection['count']} files, {collection['size']:,} bytes"))
    if combine["sentence"]:
        rows.append(("Plan", combine["sentence"]))
    if report:
        rows.append(("Export", f"{report['path']} ({report['size']:,} bytes)"))
    lines = "".join(
        f"<tr><th style='text-align:left;padding-right:12px'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(text))}</td></tr>"
        for name, text in rows
    )
    script = escape(view["script"][:_MAX_SCRIPT])
    return (
        f"<div style='{_STYLE}'><b>Zarrchive</b> &middot; a picture of the explorer: "
        f"run the cell again to use it<table>{lines}</table>"
        f"<details><summary>As Python</summary><pre>{script}</pre></details></div>"
    )
