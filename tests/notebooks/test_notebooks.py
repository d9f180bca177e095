"""The notebooks run as they are, and what they show is what the program prints today."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def nbformat():
    """Imported where it is needed: it takes longer than all other imports of a test process."""
    return pytest.importorskip("nbformat")


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """A kernel of this interpreter; kernels installed on the machine do not matter."""
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    words = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f"]
    listed = ", ".join(f'"{word}"' for word in [*words, "{connection_file}"])
    spec.write_text(f'{{"argv": [{listed}], "display_name": "Python 3", "language": "python"}}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return "python3"


# Jupyter's client warns of its own event loops and of permissions of its connection file.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs_and_prints_what_it_shows(path, kernel, demo_folder, tmp_path, nbformat) -> None:
    from nbclient import NotebookClient

    folder = tmp_path / "work"
    folder.mkdir()
    shutil.copytree(demo_folder, folder / "demo")
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(fresh, timeout=120, kernel_name=kernel, resources=resources).execute()
    for before, after in zip(stored.cells, fresh.cells, strict=True):
        if before.cell_type == "code" and "widget" not in before.metadata.get("tags", []):
            assert _text(before) == _text(after), before.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_stored_with_its_outputs_and_without_traces_of_a_machine(path, nbformat) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(bool(cell.outputs) for cell in code) > len(code) / 2
    text = path.read_text()
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)


def _text(cell) -> list[list[str]]:
    """What a cell printed or displayed.

    Byte counts are left out: compression differs a little between versions of zlib and HDF5.
    What is printed comes in one part or in several, as time has it.
    """
    shown: list[str] = []
    was_stream = False
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        is_stream = output.output_type == "stream"
        if is_stream and was_stream:
            shown[-1] += text
        else:
            shown.append(text)
        was_stream = is_stream
    return [re.sub(r"\d{4,}", "#", text).split() for text in shown]
