"""Make sample files and open the explorer on them; nothing is downloaded.

The files are a year of a made-up reanalysis in monthly netCDF4 files, four volumes of a
made-up weather radar, and a few that do not fit, about 14 MB together. They are made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.cli.arguments import add_server_arguments
from zarrchive.cli.serving import serve_until_stopped
from zarrchive.cli.terminal import printable, terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--folder", metavar="PATH", help="where to make the files (default: the user's cache)"
    )
    add_server_arguments(parser)


def run(options: Namespace) -> int:
    """Make what is missing of the files, then serve the explorer until it is stopped."""
    from zarrchive.demo.folder import default_folder, make_demo

    folder = options.folder or default_folder()
    console = terminal()
    console.print(f"Sample files: {printable(str(folder))}", soft_wrap=True)
    made = make_demo(folder)
    serve_until_stopped(str(made), options)
    return 0
