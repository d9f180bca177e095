"""The command line: one module for each command, thin over what scripts call."""

from zarrchive.cli.program import main

__all__ = ["main"]
