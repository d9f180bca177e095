"""Chromium that may not leave this machine, the front end with made-up data, files, servers."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright")
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("ZARRCHIVE_CHROMIUM") or shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LOOPBACK = ("http://localhost", "http://127.0.0.1", "ws://localhost", "ws://127.0.0.1")
SHOTS = os.environ.get("ZARRCHIVE_SCREENSHOTS")
"""A folder for pictures of every step; without it none are taken."""

BLANK_PAGE = "<!doctype html><title>test</title><style>body{margin:0}</style><div id=host></div>"

MOUNT = """async ([source, options]) => {
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  window.frontEnd = await import(url);
  window.model = makeFakeModel(options);
  window.leave = window.frontEnd.default.render({model, el: document.getElementById("host")});
}"""


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        message = "chromium is not installed (set ZARRCHIVE_CHROMIUM to its path)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@contextmanager
def guarded_page(browser, *, width=1200, height=800, scheme="light"):
    """Open a page that fails the test when it errs or asks for anything beyond this machine."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    errors, outside = [], []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    page.on(
        "websocket",
        lambda socket: None if socket.url.startswith(LOOPBACK) else outside.append(socket.url),
    )

    def guard(route):
        if route.request.url.startswith(LOOPBACK):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    context.route(lambda url: url.startswith(("http", "ws", "ftp")), guard)
    yield page
    context.close()
    assert not errors, errors
    assert not outside, f"asked for something beyond localhost: {outside}"


@pytest.fixture
def open_page(browser):
    """Open guarded pages of any size and colour scheme: ``open_page(width=700)``."""
    opened = []

    def open_one(**options):
        manager = guarded_page(browser, **options)
        opened.append(manager)
        return manager.__enter__()

    yield open_one
    for manager in reversed(opened):
        manager.__exit__(None, None, None)


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="session")
def module_source():
    from zarrchive.widgets.parts import joined

    names = "niceNumbers, tickTexts, niceTimes, Axis, formatBytes, visible, oneLine, colourTable"
    return joined("js") + f"\nexport {{ {names}, thinned, rangeOf, connect, problemOf }};"


@pytest.fixture
def front(open_page, module_source):
    """Show the front end with made-up data: ``front(width=700, files=100_000)`` gives the page."""
    from zarrchive.widgets.parts import joined

    fake = Path(__file__).with_name("fake_model.js").read_text(encoding="utf-8")

    def show(*, width=1200, height=800, scheme="light", **options):
        page = open_page(width=width, height=height, scheme=scheme)
        page.set_content(BLANK_PAGE)
        page.add_style_tag(content=joined("css"))
        page.add_script_tag(content=fake)
        page.evaluate(MOUNT, [module_source, options])
        page.locator(".zx[data-ready]").wait_for()
        return page

    return show


@pytest.fixture
def shoot():
    """Save a picture where ZARRCHIVE_SCREENSHOTS says, to be looked at by people."""

    def save(page, name):
        if not SHOTS:
            return
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))

    return save
