"""The explorer as an application of its own, in the browser of this machine."""

from zarrchive.app.server import RunningServer, serve, start

__all__ = ["RunningServer", "serve", "start"]
