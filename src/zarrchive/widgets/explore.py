"""The one call that opens the whole tool in a notebook."""

from __future__ import annotations

import os
from typing import Any

from zarrchive.session import Session
from zarrchive.widgets.explorer import Explorer

__all__ = ["explore"]


def explore(location: str | os.PathLike[str] | None = None, **storage_options: Any) -> Explorer:  # noqa: ANN401 - as fsspec
    """Open the explorer on a folder, a file, a pattern or a URL.

    Parameters
    ----------
    location
        What to list first; by default the current folder.
    storage_options
        What the file system of `location` needs (credentials, endpoints), as fsspec takes it.
        They are never written anywhere.

    Returns
    -------
    Explorer
        A widget; show it as the last line of a cell. ``.dataset()`` is the combined virtual
        dataset, ``.script()`` what was done as Python.
    """
    here = os.getcwd() if location is None else os.fspath(location)  # noqa: PTH109
    return Explorer(Session(here, storage_options=storage_options or None))
