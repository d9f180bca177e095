"""Chromium that may not leave this machine, the front end with made-up data, files, servers."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", reason="browser tests need playwright")
from playwright.sync_api import expect, sync_playwright

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

PATIENCE = 60_000
"""Milliseconds: a machine with other work is slow, and what is there is seen at once."""

expect.set_options(timeout=PATIENCE)

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
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=PATIENCE
        )
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
    page.set_default_timeout(PATIENCE)
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


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory):
    """Three months of one model run, a radar-like tree, and what lies about in real folders."""
    netcdf4 = pytest.importorskip("netCDF4")
    folder = tmp_path_factory.mktemp("archive") / "model run #1"
    folder.mkdir()
    first = 0
    for month, days in (("01", 31), ("02", 28), ("03", 31)):
        with netcdf4.Dataset(folder / f"run_2021{month}.nc", "w") as file:
            _write_month(file, first, days)
        first += days
    with netcdf4.Dataset(folder / "radar_001.nc", "w") as file:
        for number in range(2):
            sweep = file.createGroup(f"sweep_{number}")
            sweep.createDimension("azimuth", 36)
            sweep.createDimension("range", 50)
            sweep.createVariable("range", "f4", ("range",))[:] = np.arange(50) * 250
            data = sweep.createVariable("DBZH", "f4", ("azimuth", "range"), zlib=True)
            data.units = "dBZ"
            data[:] = np.hypot(*np.mgrid[0:36, 0:50]) - number
    (folder / "cut_off.nc").write_bytes((folder / "run_202101.nc").read_bytes()[:4000])
    (folder / "page.nc").write_text("<!doctype html><html><b>not found</b></html>")
    (folder / "<img src=x onerror=pwned=1>.nc").write_bytes((folder / "radar_001.nc").read_bytes())
    (folder / "notes.txt").write_text("read me")
    (folder / "older").mkdir()
    return folder


def _write_month(file, first, days):
    """A field over time, latitude and longitude, with a few missing values."""
    for name, size in (("time", None), ("lat", 19), ("lon", 36)):
        file.createDimension(name, size)
    time = file.createVariable("time", "f8", ("time",), chunksizes=(days,))
    time.units, time.calendar, time.standard_name = "days since 2021-01-01", "standard", "time"
    time[:] = first + np.arange(days)
    for name, units, values in (
        ("lat", "degrees_north", np.linspace(90, -90, 19)),
        ("lon", "degrees_east", np.arange(36) * 10.0),
    ):
        axis = file.createVariable(name, "f4", (name,))
        axis.units, axis[:] = units, values
    shape = (days, 19, 36)
    field = file.createVariable(
        "t2m",
        "f4",
        ("time", "lat", "lon"),
        zlib=True,
        shuffle=True,
        chunksizes=(1, 19, 36),
        fill_value=np.float32(-999),
    )
    field.long_name, field.units, field.comment = "2 metre temperature", "K", "<b>made up</b>"
    day, lat, lon = np.meshgrid(
        np.arange(days) + first, np.arange(19), np.arange(36), indexing="ij"
    )
    values = 300 - 3 * np.abs(lat - 9) + 4 * np.sin(lon / 6 + day / 9)
    values[:, 12:14, 5:8] = -999
    field[:] = values
    rain = file.createVariable(
        "rain", "i2", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 19, 36)
    )
    rain.units, rain.scale_factor, rain.add_offset = "mm", 0.1, 0.0
    rain[:] = np.abs(np.sin(lat * lon + day)).reshape(shape) * 12


@pytest.fixture(scope="session")
def served(sample_folder):
    """The stand-alone explorer on the sample folder: its address."""
    app = pytest.importorskip("zarrchive.app")
    running = app.start(str(sample_folder))
    yield running
    running.stop()
