"""What a person can do, and how it is read from messages."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from zarrchive.errors import Problem

# The annotations of actions are read at run time, to check messages.
from zarrchive.session.state import FormatId, How, Order, SortKey, Step  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Cancel",
    "ChooseCombine",
    "ChooseExport",
    "ClearCollection",
    "ClearTasks",
    "Combine",
    "Export",
    "FilterListing",
    "GoTo",
    "LeaveOut",
    "LookAt",
    "OpenLocation",
    "PickVariables",
    "Refresh",
    "SelectNode",
    "SetLoad",
    "SortListing",
    "Tick",
    "TickAll",
    "UserAction",
    "action_from_message",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTo:
    """Show another step."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLocation:
    """List a folder, a glob, or the folder of a file (which is then looked at)."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterListing:
    """Show only names that contain `text`, or match it where it is a glob."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SortListing:
    """Order the listing; folders stay first."""

    key: SortKey
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Put files into the collection, or take them out."""

    urls: tuple[str, ...]
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TickAll:
    """Tick or untick every file that the filter shows."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCollection:
    """Untick everything, in every folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """Open a file in the second step."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectNode:
    """Put the cursor on a group or variable of the file that is looked at."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PickVariables:
    """Take variables, or leave them out; a group stands for all variables below it."""

    paths: tuple[str, ...]
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLoad:
    """Put values of variables into the export instead of references, or the reverse."""

    paths: tuple[str, ...]
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseCombine:
    """Change how files are combined; ``auto`` and an empty dimension leave it to the proposal."""

    how: How | None = None
    dim: str | None = None
    order: Order | None = None
    repair: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOut:
    """Remove files that do not fit from the collection."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combine:
    """Carry out the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseExport:
    """Change format, layout or destination; what is not given stays, and so does an empty path."""

    format: FormatId | None = None
    path: str = ""
    zarr_format: Literal[2, 3] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Write the combined dataset; combines first where that has not been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop work in the background."""

    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearTasks:
    """Forget tasks that have ended, and messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """List the location again and forget what was read of files."""


UserAction: TypeAlias = (
    GoTo
    | OpenLocation
    | FilterListing
    | SortListing
    | Tick
    | TickAll
    | ClearCollection
    | LookAt
    | SelectNode
    | PickVariables
    | SetLoad
    | ChooseCombine
    | LeaveOut
    | Combine
    | ChooseExport
    | Export
    | Cancel
    | ClearTasks
    | Refresh
)
_BY_NAME: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {action.__name__: action for action in get_args(UserAction)}
)
_HINTS: Final = {name: get_type_hints(kind) for name, kind in _BY_NAME.items()}
_ENVELOPE: Final = frozenset({"op", "type"})


def action_from_message(message: Mapping[str, Any]) -> UserAction | Problem:
    """Read ``{"type": "Tick", "urls": [...], "on": true}``; a Problem if it is not an action.

    Only the actions of a person are accepted: results of background work cannot be forged.
    """
    name = message.get("type")
    kind = _BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None:
        return _rejected(str(name), "this is not an action", f"send one of {', '.join(_BY_NAME)}")
    hints = _HINTS[kind.__name__]
    given = {key: value for key, value in message.items() if key not in _ENVELOPE}
    if unknown := sorted(set(map(str, given)) - set(hints)):
        return _rejected(
            kind.__name__, f"unknown field {unknown[0]!r}", f"its fields are {', '.join(hints)}"
        )
    arguments = {}
    for item in fields(kind):
        if item.name not in given:
            if item.default is MISSING:
                return _rejected(kind.__name__, f"{item.name!r} is missing", f"give {item.name!r}")
            continue
        value = given[item.name]
        value = tuple(value) if isinstance(value, list) else value
        if not _is_a(value, hints[item.name]):
            return _rejected(
                kind.__name__,
                f"{item.name!r} must be {_said(hints[item.name])}, found {value!r:.80}",
                f"give {item.name!r} as {_said(hints[item.name])}",
            )
        arguments[item.name] = value
    action: UserAction = kind(**arguments)
    return action


def _is_a(value: object, hint: Any) -> bool:  # noqa: ANN401 - any type annotation
    if get_origin(hint) in {Union, UnionType}:
        return any(_is_a(value, part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    return type(value) is hint


def _said(hint: Any) -> str:  # noqa: ANN401 - any type annotation
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(map(_said, get_args(hint)))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    if get_origin(hint) is tuple:
        return "a list of strings"
    return {bool: "true or false", str: "a string", NoneType: "null"}.get(hint, str(hint))


def _rejected(where: str, what: str, hint: str) -> Problem:
    return Problem(code="action-not-understood", where=where[:200], what=what, hint=hint)
