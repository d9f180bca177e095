"""One real JupyterLab: the explorer in a cell, driven through all four steps."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from time import monotonic, sleep

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(find_spec("jupyterlab") is None, reason="needs jupyterlab")

TOKEN = "not-a-secret-only-for-this-test"

# Runs until the page has changed the theme: until then the kernel is busy, as it often is.
WAIT_FOR_THEME = """import queue
themes = queue.Queue()
explorer.observe(lambda change: themes.put(change.new), "theme")
themes.get()"""

# What is drawn cannot tell: the indicator beside the kernel's name is idle from the start.
KERNEL_IS_THERE = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = session?.isReady && session.session?.kernel;
  return Boolean(kernel) && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""


@pytest.fixture
def lab(tmp_path, sample_folder):
    """JupyterLab on the loopback interface with one notebook; its address and folder."""
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    code = f"import zarrchive\nexplorer = zarrchive.explore({str(sample_folder)!r})\nexplorer"
    cells = [_cell("first", "1 + 1"), _cell("second", code), _cell("third", WAIT_FOR_THEME)]
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (work / "explore.ipynb").write_text(json.dumps(notebook))
    settings = home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={work}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = (tmp_path / "lab.log").open("wb")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = _address(home / "run", server, tmp_path / "lab.log")
        yield f"{address}doc/tree/explore.ipynb?token={TOKEN}", work
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(5)
        log.close()


def _cell(name, source):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _address(folder, server, log):
    """Wait for the file in which a Jupyter server says where it listens."""
    deadline = monotonic() + 120
    while monotonic() < deadline:
        assert server.poll() is None, log.read_text(errors="replace")
        for file in folder.glob("jpserver-*.json"):
            with suppress(json.JSONDecodeError):  # half written
                return json.loads(file.read_text())["url"]
        sleep(0.1)
    pytest.fail("JupyterLab did not start:\n" + log.read_text(errors="replace"))


def test_all_four_steps_in_a_cell(open_page, lab, shoot):
    url, work = lab
    page = open_page(width=1100, height=1000)
    cells, root = _run_explorer(page, url)
    expect(cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")

    # bare letters belong to the explorer: D D in command mode would delete the cell
    files = root.get_by_role("grid", name="Files")
    expect(files).to_contain_text("run_202101.nc")
    root.get_by_role("tab", name="Files").focus()
    for key in ("d", "d", "x", "a"):
        page.keyboard.press(key)
    expect(cells).to_have_count(3)

    root.get_by_label("Filter files").fill("run_*")
    root.get_by_role("button", name="Tick all 3 matches").click()
    shoot(page, "lab-1-files")
    files.get_by_text("run_202102.nc").click()
    root.get_by_role("treeitem").filter(has_text="t2m").click()
    expect(root.get_by_role("tabpanel").locator(".zx-plot-canvas")).to_have_attribute(
        "aria-label", re.compile("^image of t2m, 2")
    )
    shoot(page, "lab-2-look")

    root.get_by_role("tab", name="Combine").click()
    root.get_by_role("button", name="Combine", exact=True).click()
    result = root.get_by_role("region", name="Result")
    expect(result).to_contain_text("time 90")
    shoot(page, "lab-3-combine")

    result.get_by_role("button", name="Export").click()
    target = work / "lab.json"
    root.get_by_role("textbox", name="Destination").fill(str(target))
    root.get_by_role("button", name="Export", exact=True).click()
    expect(root.get_by_role("region", name="Report")).to_contain_text("Written")
    assert target.exists()
    shoot(page, "lab-4-export")

    root.get_by_role("button", name="Change between light and dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    shoot(page, "lab-5-dark")
    expect(cells.nth(2).locator(".jp-OutputArea-output")).to_contain_text("dark")


def _run_explorer(page, url):
    """Run the explorer's cell and the one below: all cells, and the explorer in one of them."""
    page.goto(url)
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(3)
    # a cell that is run before its kernel is there is forgotten, without a word
    page.wait_for_function(KERNEL_IS_THERE)
    code = cells.nth(1).locator(".cm-content")
    code.click()
    expect(code).to_be_focused()
    for cell, keys in ((1, "Shift+Enter"), (2, "Control+Enter")):
        page.keyboard.press(keys)
        prompt = cells.nth(cell).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(re.compile(r"^\[(\*|\d+)\]:$"))
    root = page.locator(".zx[data-ready]")
    root.wait_for()
    root.scroll_into_view_if_needed()
    expect(root).to_have_css("height", "640px")
    return cells, root
