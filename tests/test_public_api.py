"""What `import zarrchive` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import zarrchive

NAMES = {
    "ChunkManifest",
    "CombineError",
    "CompatibilityReport",
    "check",
    "FormatError",
    "LocationError",
    "ManifestArray",
    "ManifestError",
    "ManifestGroup",
    "ManifestStore",
    "PluginError",
    "Problem",
    "StaleSourceError",
    "WriteError",
    "ZarrchiveError",
    "explore",
    "open_virtual_dataset",
    "open_virtual_datatree",
    "open_virtual_mfdataset",
    "open_virtual_mfdatatree",
    "open_virtual_split",
}
HEAVY = {
    "anywidget",
    "dask",
    "fsspec",
    "h5py",
    "ipywidgets",
    "numcodecs",
    "pandas",
    "panel",
    "pyarrow",
    "rich",
    "xarray",
    "zarr",
}


def loaded_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_exactly_these_names_are_public():
    assert set(zarrchive.__all__) == NAMES
    assert set(dir(zarrchive)) == NAMES
    for name in NAMES:
        assert callable(getattr(zarrchive, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = zarrchive.no_such_name


def test_importing_costs_little():
    assert not loaded_after("import zarrchive").intersection(HEAVY)


def test_the_engine_costs_nothing_until_it_is_used():
    """xarray imports it whenever it looks for engines."""
    added = loaded_after(
        "import xarray; before = set(sys.modules); import zarrchive.bridge.engine; "
        "[sys.modules.pop(name) for name in before - {'sys'}]"
    )
    assert {name for name in added if name.startswith("zarrchive")} == {
        "zarrchive",
        "zarrchive.bridge",
        "zarrchive.bridge.engine",
    }
    assert not added.intersection(HEAVY)
