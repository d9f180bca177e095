"""PluginTable with made-up entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from zarrchive import plugins
from zarrchive.errors import PluginError
from zarrchive.plugins import PluginTable


class Good:
    name = "good"
    match = read = formats = None


class Incomplete:
    name = "incomplete"


def explode():
    raise RuntimeError("boom")


@pytest.fixture
def install(monkeypatch):
    """Make a table over entry points; the values name objects of this module by a fake import."""
    looked_up = []

    def load(point):
        found = {"good": Good, "other": Good, "half": Incomplete, "boom": explode}
        return found[point.value.rpartition(":")[2]]

    def install(**points):
        made = [
            EntryPoint(name.rstrip("_"), value, plugins.READERS) for name, value in points.items()
        ]

        def entry_points(group):
            looked_up.append(group)
            return made

        monkeypatch.setattr(plugins, "entry_points", entry_points)
        monkeypatch.setattr(plugins.EntryPoint, "load", load)
        table = PluginTable(plugins.READERS, needs=("match", "read"))
        return table, looked_up

    return install


def test_each_is_made_once_and_the_metadata_is_read_once(install) -> None:
    table, looked_up = install(one="p:good", two="p:other")
    assert table.get("one") is table.get("one")
    assert [type(one) for one in table.usable()] == [Good, Good]
    assert table.names() == ["one", "two"]
    assert looked_up == [plugins.READERS]
    table.refresh()
    table.names()
    assert len(looked_up) == 2


@pytest.mark.parametrize(
    ("value", "says"),
    [("p:missing", "KeyError"), ("p:boom", "boom"), ("p:half", "no match and no read")],
)
def test_a_broken_plugin_does_not_hide_the_others(install, value, says) -> None:
    table, _ = install(bad=value, one="p:good")
    assert [type(one) for one in table.usable()] == [Good]
    assert table.broken["bad"].code == "plugin-broken"
    assert says in table.broken["bad"].what
    with pytest.raises(PluginError, match="plugin-broken"):
        table.get("bad")


def test_an_unknown_name_lists_what_is_installed(install) -> None:
    table, _ = install(one="p:good", bad="p:boom")
    with pytest.raises(PluginError, match="installed are bad, one"):
        table.get("hdf6")


def test_a_name_that_two_packages_use_is_refused(install) -> None:
    table, _ = install(x="p:good", x_="q:other", one="p:good")
    assert len(table.usable()) == 1
    assert table.names() == ["one", "x"]
    with pytest.raises(PluginError, match="plugin-ambiguous") as caught:
        table.get("x")
    assert "p:good and q:other" in caught.value.problem.what


def test_the_built_in_one_keeps_its_name(install) -> None:
    table, _ = install(x="aaa:boom", x_="zarrchive.readers:good")
    assert isinstance(table.get("x"), Good)
    assert [problem.code for problem in table.shadowed] == ["plugin-shadowed"]
    assert not table.broken


def test_the_same_entry_point_twice_is_one(install) -> None:
    table, _ = install(x="p:good", x_="p:good")
    assert isinstance(table.get("x"), Good)
    assert not table.broken


def test_the_tables_of_the_package_know_the_built_in_ones() -> None:
    assert "hdf5" in plugins.readers.names()
    assert {"kerchunk-json", "kerchunk-parquet"} <= set(plugins.writers.names())
