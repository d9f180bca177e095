"""The bridge to xarray: hierarchies of virtual arrays as Datasets and DataTrees, and back.

Modules are imported on first use, because xarray imports `zarrchive.bridge.engine` whenever it
looks for engines.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from zarrchive.bridge.dataset import to_dataset
    from zarrchive.bridge.datatree import from_datatree, to_datatree
    from zarrchive.bridge.encoding import from_dataset
    from zarrchive.bridge.mfdataset import open_virtual_mfdataset
    from zarrchive.bridge.mfdatatree import open_virtual_mfdatatree
    from zarrchive.bridge.open import open_virtual_dataset, open_virtual_datatree

__all__ = [
    "from_dataset",
    "from_datatree",
    "open_virtual_dataset",
    "open_virtual_datatree",
    "open_virtual_mfdataset",
    "open_virtual_mfdatatree",
    "to_dataset",
    "to_datatree",
]

_MODULES: Final = {
    "from_dataset": "encoding",
    "from_datatree": "datatree",
    "open_virtual_dataset": "open",
    "open_virtual_datatree": "open",
    "open_virtual_mfdataset": "mfdataset",
    "open_virtual_mfdatatree": "mfdatatree",
    "to_dataset": "dataset",
    "to_datatree": "datatree",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_module(f"{__name__}.accessor")  # whoever uses the bridge wants ds.virtual
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
