"""Optional packages: there, missing, or broken."""

from __future__ import annotations

import pytest

from zarrchive.errors import PluginError
from zarrchive.optional import is_installed, require


def test_what_is_installed_is_imported() -> None:
    assert is_installed("json")
    assert require("json.decoder", purpose="x", extra="y").JSONDecoder


def test_what_is_missing_names_the_extra() -> None:
    assert not is_installed("zarrchive_no_such_package")
    with pytest.raises(PluginError) as caught:
        require("zarrchive_no_such_package", purpose="reading X", extra="remote")
    problem = caught.value.problem
    assert problem.code == "package-missing"
    assert "needed for reading X" in problem.what
    assert 'pip install "zarrchive[remote]"' in problem.hint


def test_what_is_broken_says_how(tmp_path, monkeypatch) -> None:
    (tmp_path / "zarrchive_broken_package.py").write_text("import zarrchive_missing_inner")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="zarrchive_missing_inner") as caught:
        require("zarrchive_broken_package", purpose="x", extra="y")
    assert caught.value.problem.code == "package-broken"
