"""The contents of a file as a tree for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from zarrchive.cli.terminal import human_size, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

__all__ = ["file_tree"]

_DEEPEST: Final = 8
"""Levels that are indented; groups further down are shown with their path instead."""
_LONGEST: Final = 300
"""Characters of an attribute's value; the rest is cut, and the cut is shown."""


def file_tree(
    url: str,
    groups: Sequence[Mapping[str, Any]],
    *,
    size: int | None,
    kind: str | None,
    attributes: bool,
) -> Tree:
    """Draw one file.

    Parameters
    ----------
    url
        Path or URL, as the heading.
    groups
        Documents of its groups, parents first (see `zarrchive.cli.document`).
    size
        Bytes, if known.
    kind
        Name of its format, if known.
    attributes
        Whether to show attributes.
    """
    facts = [kind, None if size is None else human_size(size)]
    heading = Text(printable(url), style="bold")
    heading.append(f"  {', '.join(fact for fact in facts if fact)}", "not bold dim")
    root = Tree(heading)
    places: dict[str, tuple[Tree, int]] = {}
    for document in groups:
        path, node = document["path"], root
        if not places:
            places[path] = (root, 0)
        else:
            place, depth = places[path.rpartition("/")[0] or "/"]
            if depth < _DEEPEST:
                node = _add_group(place, path.rpartition("/")[2])
                places[path] = (node, depth + 1)
            else:
                node = _add_group(place, path)
                places[path] = (place, depth)
        _fill(node, document, attributes=attributes)
    return root


def _add_group(place: Tree, name: str) -> Tree:
    return place.add(Text(f"{printable(name)}/", style="bold"))


def _fill(node: Tree, document: Mapping[str, Any], *, attributes: bool) -> None:
    """Add what a group holds itself: variables, attributes, problems."""
    if attributes and document["attributes"]:
        node.add(_attributes(document["attributes"]))
    if document["arrays"]:
        node.add(_variables(document["arrays"], attributes=attributes))
    for problem in document["problems"]:
        node.add(_problem(problem))


def _variables(arrays: Sequence[Mapping[str, Any]], *, attributes: bool) -> RenderableType:
    if not attributes:
        return _table(arrays)
    return Group(*(part for array in arrays for part in _variable_with_attributes(array)))


def _variable_with_attributes(array: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = [_table([array])]
    if array["attributes"]:
        parts.append(_attributes(array["attributes"]))
    return parts


def _table(arrays: Sequence[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for array in arrays:
        dims = zip(array["dimensions"], array["shape"], strict=True)
        table.add_row(
            Text(printable(array["name"]), style="cyan"),
            Text(printable(f"({', '.join(f'{dim}: {size}' for dim, size in dims)})")),
            Text(array["dtype"], style="green"),
            Text(_chunks(array)),
            Text(printable(_codecs(array["codecs"]))),
            Text(_size(array), justify="right"),
        )
    return table


def _chunks(array: Mapping[str, Any]) -> str:
    """Say how the values are kept: shape and number of chunks, and which of them are not stored."""
    total = array["chunks_stored"] + array["chunks_inlined"] + array["chunks_missing"]
    if total <= 1:
        text = "1 chunk" if total else "no chunk"
    else:
        text = f"{total} chunks of {'x'.join(map(str, array['chunks']))}"
    absent = [
        f"{array[f'chunks_{state}']} {state}" if total > 1 else state
        for state in ("inlined", "missing")
        if array[f"chunks_{state}"]
    ]
    return f"{text} ({', '.join(absent)})" if absent else text


def _codecs(documents: Sequence[Mapping[str, Any]]) -> str:
    """List codecs in the order of encoding; plain little-endian bytes go without saying."""
    said = [_codec(document) for document in documents]
    return (
        ", ".join(text for text in said if text not in {"bytes", "bytes(little)"}) or "uncompressed"
    )


def _codec(document: Mapping[str, Any]) -> str:
    configuration = document.get("configuration") or {}
    values = [_setting(value) for value in configuration.values() if value is not None]
    name = str(document["name"]).removeprefix("numcodecs.")
    return f"{name}({', '.join(values)})" if values else name


def _setting(value: object) -> str:
    """Write a setting; of codecs within a codec, their names."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return " and ".join(str(codec.get("id")) for codec in value)
    return str(value)


def _size(array: Mapping[str, Any]) -> str:
    stored, decoded = array["bytes_stored"], array["bytes_decoded"]
    if not stored or not decoded or stored == decoded:
        return human_size(stored)
    return f"{human_size(stored)}, decoded {human_size(decoded)}"


def _attributes(attributes: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in attributes.items():
        text = value if isinstance(value, str) else str(value)
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}... ({len(text)} characters)"
        table.add_row(Text(f"  {printable(name)}:", style="dim"), Text(printable(text)))
    return table


def _problem(problem: Mapping[str, str]) -> Text:
    colour = "red" if problem["severity"] == "error" else "yellow"
    text = Text(f"{problem['severity']}: ", style=f"bold {colour}")
    text.append(printable(f"{problem['variable'] or problem['where']}: {problem['what']}"), colour)
    text.append(f"\nhint: {printable(problem['hint'])}  [{problem['code']}]", "default not bold")
    return text
