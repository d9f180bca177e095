"""The front end: its parts joined in the order that `static/parts.json` gives."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final, Literal

__all__ = ["joined"]

_STATIC: Final = files("zarrchive.widgets") / "static"


@cache
def joined(kind: Literal["js", "css"]) -> str:
    """Return the whole module, or the whole style sheet, as one text."""
    parts = json.loads((_STATIC / "parts.json").read_text(encoding="utf-8"))[kind]
    return "\n".join((_STATIC / part).read_text(encoding="utf-8") for part in parts)
