"""Packages that only some tasks need: imported when needed, missed with a clear Problem."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from zarrchive.errors import PluginError, Problem

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["import_dask", "is_installed", "require"]


def is_installed(module: str) -> bool:
    """Tell whether `module` (a top-level name) could be imported, without importing it."""
    return find_spec(module) is not None


def import_dask() -> None:
    """Import dask where it is installed, before threads are started that use xarray.

    xarray imports it when it first looks at an array. Two threads that do so at once may each
    find half of it, because its modules import one another in a circle.
    """
    if is_installed("dask"):
        with suppress(Exception):  # xarray raises it again where it is of concern
            import_module("dask.base")


def require(module: str, *, purpose: str, extra: str) -> ModuleType:
    """Import and return an optional package.

    Parameters
    ----------
    module
        Name to import, such as ``pyarrow.parquet``.
    purpose
        What it is needed for, as the end of "is needed for ...".
    extra
        Name of the extra of this package that installs it.

    Raises
    ------
    PluginError
        ``package-missing`` if it is not installed, ``package-broken`` if importing it fails.
    """
    top = module.partition(".")[0]
    try:
        return import_module(module)
    except Exception as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name in {top, module}
        raise PluginError(
            Problem(
                code="package-missing" if is_missing else "package-broken",
                where=top,
                what=(
                    f"is needed for {purpose}, and is not installed"
                    if is_missing
                    else f"is needed for {purpose}, but importing it failed: {error!r}"
                ),
                hint=f'install it: pip install "zarrchive[{extra}]"',
            )
        ) from error
