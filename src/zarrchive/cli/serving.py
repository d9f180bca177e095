"""Serve the explorer and say where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarrchive.cli.terminal import terminal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

__all__ = ["serve_until_stopped"]


def serve_until_stopped(
    location: str, options: Namespace, *, storage_options: Mapping[str, Any] | None = None
) -> None:
    """Serve until Ctrl-C, as --port and --no-browser say."""
    from zarrchive.app.server import serve

    console = terminal()

    def announce(url: str) -> None:
        console.print(
            f"Explorer: {url}\n(only this machine can open it; Ctrl-C stops it)", soft_wrap=True
        )
        console.file.flush()

    serve(
        location,
        port=options.port,
        open_browser=not options.no_browser,
        storage_options=storage_options,
        announce=announce,
    )
