"""Values as JSON can say them and as text that is safe to send anywhere."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from zarrchive.errors import Problem

__all__ = ["attribute_text", "plain", "problem_json", "text_of"]

_MAX_TEXT: Final = 4000
_MAX_ITEMS: Final = 100


def plain(value: Any) -> Any:  # noqa: ANN401 - anything in, JSON out
    """Return `value` as JSON: no NaN, no NumPy scalars, no text that is not Unicode."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return text_of(value)
        case float():
            return value if isfinite(value) else None
        case np.generic():
            return plain(value.item())
        case dict():
            return {text_of(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
        case _:
            return text_of(str(value))


def text_of(text: str) -> str:
    """Replace what cannot be sent as UTF-8 (parts of file names in another encoding)."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def problem_json(problem: Problem) -> dict[str, str]:
    """Return a Problem as the interface takes it everywhere."""
    return {
        "severity": problem.severity,
        "code": problem.code,
        "where": text_of(problem.where),
        "variable": text_of(problem.variable),
        "what": text_of(problem.what),
        "hint": text_of(problem.hint),
    }


def attribute_text(value: object) -> str:
    """Return an attribute as a person reads it; long ones are cut, and say so."""
    if isinstance(value, np.ndarray):
        if value.size > _MAX_ITEMS:
            shown = ", ".join(attribute_text(item) for item in value.reshape(-1)[:_MAX_ITEMS])
            return f"{shown}, ... ({value.size} values)"
        return ", ".join(attribute_text(item) for item in value.reshape(-1))
    if isinstance(value, list | tuple):
        return attribute_text(np.asarray(value, dtype=object))
    if isinstance(value, bytes):
        text = value.decode("utf-8", errors="replace").rstrip("\0")
    else:
        text = str(value)
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}... ({len(text)} characters)"
    return text_of(text)
