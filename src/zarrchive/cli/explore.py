"""Open the explorer in a browser, on a folder, a file or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.cli.arguments import add_server_arguments, add_storage_arguments
from zarrchive.cli.serving import serve_until_stopped

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "location", metavar="PATH", nargs="?", default=".", help="where to begin (default: here)"
    )
    add_server_arguments(parser)
    add_storage_arguments(parser)


def run(options: Namespace) -> int:
    """Serve the explorer until it is stopped."""
    serve_until_stopped(options.location, options, storage_options=options.storage_options)
    return 0
