"""``python -m zarrchive``: the same as the command ``zarrchive``."""

from __future__ import annotations

import sys

from zarrchive.cli import main

if __name__ == "__main__":
    sys.exit(main())
