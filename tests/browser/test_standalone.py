"""The real stand-alone server in Chromium, on generated files: all four steps, as people go."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from playwright.sync_api import expect


def to_step(page, name):
    page.get_by_role("tab", name=name).click()


def listing(page):
    return page.get_by_role("grid", name="Files")


def file_row(page, text):
    return listing(page).get_by_role("row").filter(has_text=text).first


def visit(open_page, served, **options):
    page = open_page(**options)
    page.goto(served.url)
    page.locator(".zx[data-ready]").wait_for()
    expect(file_row(page, "run_202101.nc")).to_be_visible()
    return page


def tick_matches(page, pattern, count):
    page.get_by_label("Filter files").fill(pattern)
    page.get_by_role("button", name=f"Tick all {count} matches").click()
    expect(page.get_by_role("tab", name="Files")).to_contain_text(str(count))


def script_of(page):
    page.get_by_role("banner").get_by_role("button", name="Copy as Python").click()
    drawer = page.get_by_role("complementary", name="Copy as Python")
    drawer.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    text = page.get_by_label("The session as a Python script").text_content()
    page.keyboard.press("Escape")
    return text


def combine(page):
    to_step(page, "Combine")
    page.get_by_role("button", name="Combine", exact=True).click()
    expect(page.get_by_role("region", name="Result")).to_be_visible()


def test_from_a_folder_to_a_dataset_that_other_software_opens(
    open_page, served, sample_folder, tmp_path, shoot
):
    xr = pytest.importorskip("xarray")
    page = visit(open_page, served)
    tick_matches(page, "run_*", 3)
    shoot(page, "real-1-files")

    file_row(page, "run_202102.nc").locator(".zx-name").click()
    page.get_by_role("treeitem").filter(has_text="t2m").click()
    plot = page.get_by_role("tabpanel").locator(".zx-plot-canvas")
    expect(plot).to_have_attribute("aria-label", re.compile("^image of t2m, 2"))
    expect(page.get_by_role("slider", name="time")).to_have_attribute(
        "aria-valuetext", "2021-02-01, 1 of 28"
    )
    expect(page.get_by_text("6 of 684 missing")).to_be_visible()
    shoot(page, "real-2-look")

    combine(page)
    expect(page.get_by_role("region", name="Plan")).to_contain_text("time")
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text("time 90")
    expect(
        page.locator("iframe.zx-frame").content_frame.locator(".xr-var-name", has_text="t2m")
    ).to_be_visible()
    shoot(page, "real-3-combine")

    result.get_by_role("button", name="Export").click()
    target = tmp_path / "combined refs.json"
    page.get_by_role("textbox", name="Destination").fill(str(target))
    page.get_by_role("button", name="Export", exact=True).click()
    report = page.get_by_role("region", name="Report")
    expect(report).to_contain_text("Written")
    shoot(page, "real-4-export")

    expected = np.concatenate([_values(sample_folder / f"run_20210{n}.nc") for n in (1, 2, 3)])
    exported = xr.open_dataset(
        "reference://",
        engine="zarr",
        chunks=None,
        backend_kwargs={
            "consolidated": False,
            "storage_options": {"fo": json.loads(target.read_text())},
        },
    )
    np.testing.assert_array_equal(exported["t2m"].values, expected)

    script = tmp_path / "session.py"
    script.write_text(script_of(page), encoding="utf-8")
    first_export = target.read_text()
    target.unlink()
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(target.read_text()) == json.loads(first_export)


def _values(path):
    """What the netCDF library itself reads, missing values as NaN."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        return file["t2m"][:].filled(np.nan)


def test_by_keyboard_alone_at_700_pixels(open_page, served, tmp_path):
    page = visit(open_page, served, width=700, height=640)
    press, type_ = page.keyboard.press, page.keyboard.type

    listing(page).focus()
    type_("run_")
    press("ArrowDown")
    expect(listing(page)).to_be_focused()
    expect(listing(page)).to_have_attribute("aria-rowcount", "3")
    press("Control+a")
    expect(page.get_by_role("tab", name="Files")).to_contain_text("3")
    press("Enter")
    expect(page.get_by_role("tabpanel", name="Look")).to_be_visible()

    expect(page.get_by_role("tree")).to_contain_text("t2m")
    _tab_to(page, "tree")
    type_("t2m")
    expect(page.get_by_role("heading", name="t2m")).to_be_visible()
    press("Shift+Tab")
    expect(page.get_by_role("tree")).not_to_be_focused()

    page.get_by_role("tab", name="Look").focus()
    press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Combine")).to_be_visible()
    _tab_to(page, "Combine", role_is_name=True)
    expect(page.get_by_role("button", name="Combine", exact=True)).to_be_enabled()
    press("Enter")
    expect(page.get_by_role("region", name="Result")).to_be_visible()

    page.get_by_role("tab", name="Combine").focus()
    press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Export")).to_be_visible()
    target = tmp_path / "keys.json"
    _tab_to(page, "Destination", role_is_name=True)
    press("Control+a")
    type_(str(target))
    press("Tab")
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_focused()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_enabled()
    press("Enter")
    expect(page.get_by_role("region", name="Report")).to_contain_text("Written")
    assert target.exists()
    wide = page.locator(".zx").evaluate("e => e.scrollWidth > e.clientWidth")
    assert not wide


def _tab_to(page, wanted, *, role_is_name=False):
    """Press Tab until the focus is there: nothing on the way may hold it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          return [at?.getAttribute('role'), at?.getAttribute('aria-label') ?? at?.textContent];
        }""")
        if found[1 if role_is_name else 0] == wanted:
            return
    pytest.fail(f"Tab does not reach {wanted}")


@pytest.mark.parametrize("name", ["cut_off.nc", "page.nc", "notes.txt"])
def test_files_that_cannot_be_read_say_why_and_stop_nothing_else(open_page, served, name):
    page = visit(open_page, served)
    file_row(page, name).locator(".zx-name").click()
    problem = page.get_by_role("tabpanel").locator(".zx-problem").first
    expect(problem).to_contain_text(name)
    expect(problem.locator(".zx-problem-hint")).not_to_be_empty()
    to_step(page, "Files")
    file_row(page, "radar_001.nc").locator(".zx-name").click()
    page.get_by_role("treeitem").filter(has_text="sweep_1").locator(".zx-name").click()
    page.get_by_role("treeitem").filter(has_text="DBZH").click()
    expect(page.get_by_role("tabpanel").locator(".zx-plot-canvas")).to_have_attribute(
        "aria-label", re.compile("^image of DBZH")
    )


def test_a_file_that_does_not_belong_can_be_left_out(open_page, served):
    page = visit(open_page, served)
    tick_matches(page, "run_*", 3)
    page.get_by_label("Filter files").fill("cut_off")
    page.get_by_role("button", name="Tick all 1 match").click()
    to_step(page, "Combine")
    misfit = (
        page.get_by_role("region", name="What does not fit")
        .locator(".zx-problem")
        .filter(has_text="cut_off.nc")
    )
    expect(misfit).to_be_visible()
    misfit.get_by_role("button", name=re.compile("[Ll]eave")).first.click()
    expect(misfit).to_have_count(0)
    expect(page.get_by_role("tab", name="Files")).to_contain_text("3")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 700)])
def test_files_of_two_eras_are_split_with_a_click(open_page, month, tmp_path, shoot, scheme, width):
    """The scale changed in the middle; each half becomes a group of a tree."""
    for number in range(6):
        odd = {"attributes": {"scale_factor": 0.5}} if number > 2 else {}
        month(tmp_path / f"run_20210{number}.nc", first=30 * number, days=30, **odd)
    app = pytest.importorskip("zarrchive.app")
    running = app.start(str(tmp_path))
    try:
        page = open_page(scheme=scheme, width=width)
        page.goto(running.url)
        page.locator(".zx[data-ready]").wait_for()
        tick_matches(page, "run_*", 6)
        to_step(page, "Combine")
        misfits = page.get_by_role("region", name="What does not fit")
        split = misfits.get_by_role("button", name="Split into 2 groups of files that agree")
        expect(split.first).to_be_visible()
        shoot(page, f"split-1-{scheme}-{width}")
        split.first.click()
        plan = page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("6 files in 2 groups that agree")
        expect(plan.get_by_role("radio", name="Split")).to_be_checked()
        page.get_by_role("button", name="Combine", exact=True).click()
        result = page.get_by_role("region", name="Result")
        expect(result).to_be_visible()
        frame = page.locator("iframe.zx-frame").content_frame
        expect(frame.get_by_role("listitem").filter(has_text="part_2")).to_be_visible()
        shoot(page, f"split-2-{scheme}-{width}")
        page.close()  # before its server goes away
    finally:
        running.stop()


@pytest.mark.parametrize("width", [1280, 700])
def test_what_a_file_lacks_is_said_above_its_facts(open_page, tmp_path, shoot, width):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["kept"] = np.arange(3)
        file["lost"] = h5py.SoftLink("/nowhere")
    app = pytest.importorskip("zarrchive.app")
    running = app.start(str(tmp_path))
    try:
        page = open_page(width=width)
        page.goto(running.url)
        page.locator(".zx[data-ready]").wait_for()
        file_row(page, "run.h5").locator(".zx-name").click()
        row = page.get_by_role("treeitem").filter(has_text="lost")
        expect(row).to_contain_text("left out")
        for facts in ("Variables", "This variable cannot be shown"):
            problem = page.locator(".zx-details .zx-problem")
            expect(problem).to_contain_text("leads nowhere")
            about = page.get_by_role("region", name="About")
            expect(about).to_contain_text(facts)
            place, below = problem.bounding_box(), about.bounding_box()
            assert place["width"] > 0.3 * width
            assert place["y"] + place["height"] <= below["y"]
            shoot(page, f"lost-{width}-{facts.split()[0]}")
            row.click()
        page.close()  # before its server goes away
    finally:
        running.stop()


def test_what_cannot_be_split_does_not_offer_it(open_page, tmp_path):
    """Tiles are joined along two dimensions; the keyboard passes over what is not there."""
    xr = pytest.importorskip("xarray")
    app = pytest.importorskip("zarrchive.app")
    for number in range(4):
        places = {"y": number // 2 * 2 + np.arange(2), "x": number % 2 * 3 + np.arange(3)}
        made = xr.Dataset({"h": (("y", "x"), np.zeros((2, 3)))}, places)
        made.to_netcdf(tmp_path / f"run_{number}.nc", engine="netcdf4")
    running = app.start(str(tmp_path))
    try:
        page = open_page()
        page.goto(running.url)
        page.locator(".zx[data-ready]").wait_for()
        tick_matches(page, "run_*", 4)
        to_step(page, "Combine")
        plan = page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("4 files joined along y and x")
        expect(plan.get_by_role("radio", name="Split")).to_have_count(0)
        plan.get_by_role("radio", name="By coordinates").press("ArrowLeft")
        expect(plan.get_by_role("radio", name="Merge")).to_be_checked()
        page.close()  # before its server goes away
    finally:
        running.stop()


def test_a_folder_that_does_not_exist(open_page, served):
    page = visit(open_page, served)
    page.get_by_label("Folder, file or URL").fill("/there/is/no/such/folder")
    page.keyboard.press("Enter")
    expect(page.locator(".zx-list-message .zx-problem")).to_contain_text("in /there/is/no/such")


def test_names_and_attributes_from_files_are_text(open_page, served):
    page = visit(open_page, served)
    file_row(page, "<img src=x onerror=pwned=1>.nc").locator(".zx-name").click()
    expect(page.get_by_role("tree")).to_be_visible()
    to_step(page, "Files")
    file_row(page, "run_202101.nc").locator(".zx-name").click()
    page.get_by_role("treeitem").filter(has_text="t2m").click()
    expect(page.get_by_role("region", name="Attributes")).to_contain_text("<b>made up</b>")
    assert page.locator("img").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_folder_of_twenty_thousand_files(open_page, tmp_path, shoot):
    app = pytest.importorskip("zarrchive.app")
    for number in range(20_000):
        (tmp_path / f"f{number:06}.nc").touch()
    running = app.start(str(tmp_path))
    try:
        page = open_page()
        page.goto(running.url)
        expect(listing(page)).to_have_attribute("aria-rowcount", "20000")
        listing(page).focus()
        page.keyboard.press("End")
        expect(listing(page).get_by_role("row").filter(has_text="f019999.nc")).to_be_visible()
        shoot(page, "real-20000")
        page.close()  # before its server goes away
    finally:
        running.stop()


def test_two_pages_have_sessions_of_their_own(open_page, served):
    first, second = visit(open_page, served), visit(open_page, served)
    tick_matches(first, "run_*", 3)
    expect(second.get_by_role("heading", name="No files ticked")).to_be_visible()
