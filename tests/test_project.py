"""The project itself: what is in the wheel, what is declared, what importing costs."""

from __future__ import annotations

import ast
import doctest
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from zarrchive.cli import main

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src" / "zarrchive").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {
    *(
        "aiohttp",
        "anywidget",
        "bokeh",
        "dask",
        "fsspec",
        "h5py",
        "ipywidgets",
        "numcodecs",
        "pandas",
    ),
    *("panel", "pyarrow", "rich", "tornado", "traitlets", "xarray", "zarr"),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.Path(path)


def test_the_wheel_holds_every_file_of_the_package(wheel) -> None:
    names = {name for name in wheel.root.namelist() if not name.endswith("/")}
    package = ROOT / "src"
    kept = {".py", ".js", ".css", ".typed", ".svg", ".json", ".html"}
    expected = {
        path.relative_to(package).as_posix()
        for path in (package / "zarrchive").rglob("*")
        if path.suffix in kept or path.name == "py.typed"
    }
    assert expected <= names
    assert "zarrchive/py.typed" in names
    assert any(re.fullmatch(r"zarrchive/widgets/static/.*\.js", name) for name in names)
    assert any(re.fullmatch(r"zarrchive/widgets/static/.*\.css", name) for name in names)
    extra = {name for name in names - expected if not name.startswith("zarrchive-")}
    assert extra == set()


def test_the_wheel_says_its_licence_and_its_commands(wheel) -> None:
    (folder,) = (path for path in wheel.iterdir() if path.name.endswith(".dist-info"))
    metadata = (folder / "METADATA").read_text()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert (folder / "licenses" / "LICENSE").read_text().count("Apache License") > 1
    assert "zarrchive = zarrchive.cli:main" in (folder / "entry_points.txt").read_text()


def test_what_is_imported_is_declared() -> None:
    declared = {_name(text) for text in PROJECT["dependencies"]}
    for extra in ("parquet", "remote", "codecs", "icechunk"):
        declared |= {_name(text) for text in PROJECT["optional-dependencies"][extra]}
    # They come with one that is declared, whose interface hands out their objects.
    declared |= {"pandas", "traitlets", "param", "tornado", "bokeh"}
    declared |= {"_typeshed"}  # for type checkers only
    # Test suites that are shipped for others to subclass need what tests need.
    in_testing = {"pytest", "hypothesis", "netCDF4"}
    for path in SOURCES:
        allowed = declared | (in_testing if "testing" in path.parts else set())
        missing = _imports(path) - set(sys.stdlib_module_names) - {"zarrchive"} - allowed
        assert not missing, f"{path.relative_to(ROOT)} imports {missing}, which nothing installs"


def test_importing_costs_little_more_than_numpy() -> None:
    code = "import sys, json; import zarrchive; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in json.loads(answer.stdout)}
    assert modules & HEAVY == set()


def test_asking_for_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json\nfrom zarrchive.cli import main\n"
        "try: main(['inspect', '--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in json.loads(answer.stderr)}
    assert modules & HEAVY == set()


def test_private_names_of_zarr_and_xarray_have_one_place_each() -> None:
    for path in SOURCES:
        lines = path.read_text().splitlines()
        private = [line for line in lines if re.match(r"\s*(from|import) zarr\.core\b", line)]
        assert not private or path.name == "_zarr.py", f"{path}: {private}"
        private = [line for line in lines if re.match(r"\s*(from|import) xarray\.core\b", line)]
        assert not private or path.name == "_xarray.py", f"{path}: {private}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_stay_small_and_say_what_they_are(path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "a module begins by saying what it holds"


def test_readme_shows_what_the_program_prints(demo_folder, tmp_path, monkeypatch, capsys) -> None:
    readme = (ROOT / "README.md").read_text()
    shutil.copytree(demo_folder, tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    example = doctest.DocTestParser().get_doctest(
        "".join(re.findall(r"```python\n(.*?)```", readme, re.DOTALL)), {}, "README", None, 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example).failed == 0, capsys.readouterr().out
    capsys.readouterr()
    for words, shown in re.findall(r"```console\n\$ zarrchive (.*?)\n(.*?)```", readme, re.DOTALL):
        assert main(words.split()) == 0
        printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert printed == shown.splitlines()


def test_readme_links_to_what_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", readme):
        assert (ROOT / target).exists(), f"README.md links to {target}, which does not exist"


def test_the_version_is_in_the_changelog() -> None:
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("-", "_")


def _imports(path: Path) -> set[str]:
    """Top-level names of the packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
