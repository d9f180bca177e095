"""How much is inlined: held by the manifest itself instead of being referred to."""

from __future__ import annotations

from typing import Final

__all__ = ["SMALL", "WANTED"]

SMALL: Final = 2**20
"""Decoded bytes up to which values that cannot be referenced are inlined unasked."""
WANTED: Final = 64 * 2**20
"""Decoded bytes up to which values that somebody asked for are inlined."""
