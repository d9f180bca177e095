"""Parse the command line, run one command, and turn every failure into one clear message."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from zarrchive.cli.terminal import print_problems
from zarrchive.errors import Problem, ZarrchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS: Final = ("explore", "inspect", "check", "combine", "demo")
"""Modules of this package; each has `add_arguments` and `run`, and its docstring is its help."""

_INTERRUPTED: Final = 130
"""Exit status that shells give a program that was stopped with Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` ask for; return the exit status.

    Status 0 means done, 1 that something could not be read or written (the reason is on
    standard error), 2 that the command line was wrong.

    Parameters
    ----------
    arguments
        Words after the program's name; by default those of this process.
    """
    _never_fail_to_print()
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except ZarrchiveError as error:
        print_problems(error.problems)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough; nothing is left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("ZARRCHIVE_DEBUG"):
            raise
        print_problems([_unexpected(options.command, error)])
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zarrchive",
        description="Look into HDF5 and netCDF files and combine them into one virtual dataset.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('zarrchive')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        module = import_module(f"zarrchive.cli.{name}")
        first, _, rest = (module.__doc__ or "").partition("\n")
        command = commands.add_parser(
            name,
            help=first.rstrip("."),
            description=f"{first}\n{rest}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, error=command.error)
    return parser


def _unexpected(command: str, error: Exception) -> Problem:
    return Problem(
        code="unexpected",
        where=f"zarrchive {command}",
        what=f"stopped by {type(error).__name__}: {error}",
        hint="please report it, with what ZARRCHIVE_DEBUG=1 makes this command print",
    )


def _never_fail_to_print() -> None:
    """Show what the terminal's encoding lacks as escapes, file names in no encoding as well."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
