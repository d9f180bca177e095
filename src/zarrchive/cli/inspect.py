"""Print what is in files: groups, variables, dimensions, chunks, codecs, sizes, problems.

Only metadata is read. The exit status is 1 if a file cannot be read; what is wrong with single
variables is shown in the tree, and all others are listed all the same.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from zarrchive.cli.arguments import add_source_arguments
from zarrchive.cli.notes import notes_of_readers
from zarrchive.cli.terminal import print_problems
from zarrchive.errors import ZarrchiveError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestGroup

__all__ = ["add_arguments", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What there is to say about one file."""

    url: str
    size: int | None = None
    format: str | None = None
    root: ManifestGroup | None = None
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    """What the reader noted: what it had to leave to a slower library."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="paths or URLs")
    parser.add_argument("--group", metavar="PATH", help="begin at this group")
    parser.add_argument("--attributes", action="store_true", help="show attributes as well")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object; its structure is documented in zarrchive.cli.document",
    )
    add_source_arguments(parser)


def run(options: Namespace) -> int:
    """Read the metadata of each file and print it."""
    found = []
    for url in options.files:
        found.append(_look(url, options))
        if not options.json:
            _print_tree(found[-1], options)
    if options.json:
        document = {
            "zarrchive": version("zarrchive"),
            "files": [_document(f, options) for f in found],
        }
        json.dump(document, sys.stdout, indent=1, ensure_ascii=True, allow_nan=False)
        sys.stdout.write("\n")
    return 1 if any(one.root is None for one in found) else 0


def _look(url: str, options: Namespace) -> _Found:
    from zarrchive.location import open_source, redact
    from zarrchive.readers.detect import format_of
    from zarrchive.readers.open import read_group

    known: dict[str, Any] = {"url": redact(url)}
    try:
        with open_source(url, storage_options=options.storage_options) as source:
            found_format = format_of(source)
            known["size"] = source.size
            known["format"] = None if found_format is None else found_format.title
        with notes_of_readers() as known["notes"]:
            known["root"] = read_group(
                url,
                reader=options.reader,
                group=options.group,
                storage_options=options.storage_options,
            )
    except ZarrchiveError as error:
        return _Found(**known, problems=error.problems)
    return _Found(**known)


def _document(found: _Found, options: Namespace) -> dict[str, Any]:
    from zarrchive.cli.document import group_documents, problem_document

    return {
        "url": found.url,
        "size": found.size,
        "format": found.format,
        "groups": None if found.root is None else group_documents(found.root, _start(options)),
        "problems": [problem_document(problem) for problem in found.problems],
        "notes": list(found.notes),
    }


def _print_tree(found: _Found, options: Namespace) -> None:
    from zarrchive.cli.document import group_documents
    from zarrchive.cli.terminal import terminal
    from zarrchive.cli.tree import file_tree

    if found.root is None:
        print_problems(found.problems)
        return
    groups = group_documents(found.root, _start(options))
    tree = file_tree(
        found.url, groups, size=found.size, kind=found.format, attributes=options.attributes
    )
    terminal().print(tree)
    for note in found.notes:
        terminal().print(f"note: {note}", style="dim", markup=False, highlight=False)


def _start(options: Namespace) -> str:
    return "/" + (options.group or "").strip("/")
