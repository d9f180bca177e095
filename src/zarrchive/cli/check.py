"""Say whether files fit together, what differs, and what can be done about it.

Only metadata, coordinates and small values are read. The exit status is 0 if the files can be
combined as they are, and 1 if not.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from zarrchive.cli.arguments import add_source_arguments
from zarrchive.cli.terminal import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="paths or URLs; a single one may be a pattern"
    )
    parser.add_argument(
        "--concat-dim", metavar="DIM", help="join along DIM; by default coordinates decide"
    )
    parser.add_argument("--group", metavar="PATH", help="begin at this group")
    parser.add_argument(
        "--drop", metavar="PATH", nargs="+", default=(), help="variables that do not matter"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of that document instead"
    )
    add_source_arguments(parser)


def run(options: Namespace) -> int:
    """Compare the files and print the report."""
    from zarrchive.combine.check import check
    from zarrchive.combine.report import CompatibilityReport

    if options.schema:
        json.dump(CompatibilityReport.json_schema(), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    if not options.files:
        options.error("name at least one file")
    report = check(
        options.files[0] if len(options.files) == 1 else options.files,
        concat_dim=options.concat_dim,
        group=options.group,
        reader=options.reader,
        drop_variables=options.drop,
        storage_options=options.storage_options,
    )
    if options.json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        sys.stdout.write("\n".join(map(printable, str(report).split("\n"))) + "\n")
    return 0 if report.fits else 1
