"""Open the explorer in a browser, on a folder, a file or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.cli.arguments import add_server_arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "location", metavar="PATH", nargs="?", default=".", help="where to begin (default: here)"
    )
    add_server_arguments(parser)


def run(options: Namespace) -> int:
    """Serve the explorer until it is stopped."""
    from zarrchive.app.server import serve

    serve(options.location, port=options.port, open_browser=not options.no_browser)
    return 0
