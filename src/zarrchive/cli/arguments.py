"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["add_server_arguments", "add_source_arguments", "add_storage_arguments", "port"]


def add_source_arguments(parser: ArgumentParser) -> None:
    """Add what is needed to open files: --reader and --storage-options."""
    parser.add_argument(
        "--reader", metavar="NAME", help="reader to use; by default the first bytes decide"
    )
    add_storage_arguments(parser)


def add_storage_arguments(parser: ArgumentParser) -> None:
    """Add --storage-options."""
    parser.add_argument(
        "--storage-options",
        metavar="JSON",
        type=_options,
        help="what the file system needs, as fsspec takes it, such as '{\"anon\": true}'",
    )


def add_server_arguments(parser: ArgumentParser) -> None:
    """Add --port and --no-browser."""
    parser.add_argument(
        "--port", type=port, default=0, help="port on this machine (default: any free one)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address and open no browser"
    )


def port(text: str) -> int:
    """Parse a port number."""
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= number < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
    return number


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object, such as {{}}")
    return options
