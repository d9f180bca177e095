"""The real front end in Chromium, with made-up data behind it: what it shows and what it sends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

CONTRASTS = Path(__file__).with_name("contrasts.js")


def sent(page, kind):
    messages = page.evaluate("model.sent.filter(m => m.op === 'act')")
    return [m for m in messages if m["type"] == kind]


def to_step(page, name):
    page.get_by_role("tab", name=name).click()


def listing(page):
    return page.get_by_role("grid", name="Files")


def row(page, text):
    return listing(page).get_by_role("row").filter(has_text=text).first


class TestFiles:
    def test_filter_then_tick_all_that_match(self, front):
        page = front(files=100)
        page.get_by_label("Filter files").fill("air*2020*")
        page.get_by_role("button", name="Tick all 12 matches").click()
        expect(page.get_by_role("region", name="Collection")).to_contain_text("12\u00a0files")
        assert sent(page, "TickAll") == [{"op": "act", "type": "TickAll", "on": True}]

    def test_columns_sort_and_say_so(self, front):
        page = front(files=30)
        size = page.get_by_role("columnheader", name="Size")
        size.get_by_role("button").click()
        expect(size).to_have_attribute("aria-sort", "descending")
        size.get_by_role("button").click()
        expect(size).to_have_attribute("aria-sort", "ascending")

    def test_space_ticks_and_shift_ticks_a_range(self, front):
        page = front(files=30)
        listing(page).focus()
        for key in ("ArrowDown", "ArrowDown", "Space", "ArrowDown", "ArrowDown", "Shift+Space"):
            page.keyboard.press(key)
        collection = page.get_by_role("region", name="Collection")
        expect(collection).to_contain_text("3\u00a0files")
        assert len(sent(page, "Tick")[-1]["urls"]) == 3

    def test_one_file_can_be_taken_out_again(self, front):
        page = front(files=30)
        row(page, "air_temperature_202001").locator(".zx-tick").click()
        page.get_by_role("listbox", name="Files of the collection").focus()
        page.keyboard.press("Delete")
        expect(page.get_by_role("heading", name="No files ticked")).to_be_visible()

    def test_typing_in_the_list_filters_it(self, front):
        page = front(files=30)
        listing(page).focus()
        page.keyboard.type("rad")
        expect(page.get_by_label("Filter files")).to_have_value("rad")
        expect(listing(page)).to_have_attribute("aria-rowcount", "7")

    def test_a_filter_that_was_just_typed_stays_and_counts_at_once(self, front):
        page = front(files=30)
        page.evaluate("model.lost = true")
        listing(page).focus()
        page.keyboard.type("radar")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Control+a")
        page.evaluate("model.set('view', {...model.get('view')})")  # made before
        expect(page.get_by_label("Filter files")).to_have_value("radar")
        acts = page.evaluate("model.sent.filter(m => m.op === 'act').map(m => m.text ?? m.type)")
        assert acts[-2:] == ["radar", "TickAll"]
        expect(listing(page)).to_have_attribute("aria-rowcount", "7")

    @pytest.mark.parametrize("part", [".zx-tick", ".zx-name"])
    def test_a_click_counts_though_its_row_changes_meanwhile(self, front, part):
        page = front(files=30)
        target = row(page, "air_temperature_202001")
        target.locator(part).hover()
        page.mouse.down()
        page.keyboard.press("Control+a")
        collection = page.get_by_role("region", name="Collection")
        expect(collection).to_contain_text("30\u00a0files")
        expect(row(page, "precipitation_202001")).to_have_attribute("aria-selected", "true")
        page.mouse.up()
        if part == ".zx-tick":
            expect(collection).to_contain_text("29\u00a0files")
            expect(target).to_have_attribute("aria-selected", "false")
        else:
            expect(page.get_by_role("tab", name="Look")).to_have_attribute("aria-selected", "true")
            assert sent(page, "LookAt")

    def test_a_hundred_thousand_files_the_end_key_draws_and_asks_for_few(self, front):
        page = front(files=100_000)
        expect(row(page, "archive")).to_be_visible()
        page.evaluate("""() => {
          window.drawn = 0;
          window.asked = model.sent.length;
          const count = (records) => records.forEach((r) => (drawn += r.addedNodes.length));
          const grid = document.querySelector('[role=grid][aria-label=Files]');
          new MutationObserver(count).observe(grid, {childList: true, subtree: true});
        }""")
        listing(page).focus()
        page.keyboard.press("End")
        expect(listing(page).locator(".zx-active .zx-name")).to_contain_text("_99999.nc")
        drawn, asked = page.evaluate("[drawn, model.sent.length - asked]")
        assert drawn < 600
        assert asked < 5
        assert page.locator(".zx-listing .zx-vrow").count() < 60

    def test_names_from_files_never_become_elements_and_hidden_characters_are_seen(self, front):
        page = front(files=4, evil=True)
        shown = listing(page).locator(".zx-name").all_text_contents()
        assert '<img src=x onerror="window.pwned=1">.nc' in shown
        assert "a\\u202egnp.cn.nc" in shown
        assert "line\\nbreak\\ttab.nc" in shown
        assert page.locator("img").count() == 0
        assert page.evaluate("window.pwned") is None
        long = row(page, "very_long_name")
        assert len(long.locator(".zx-name-cell").get_attribute("title")) > 200
        assert long.evaluate("e => e.scrollWidth <= e.clientWidth")

    def test_a_place_that_is_not_there_says_what_to_do(self, front):
        page = front()
        page.get_by_label("Folder, file or URL").fill("/data/nowhere")
        page.keyboard.press("Enter")
        problem = page.locator(".zx-problem[data-code=location-not-found]")
        expect(problem).to_contain_text("There is no file or folder of this name.")
        expect(problem).to_contain_text("Check the spelling")


class TestLook:
    @pytest.fixture
    def looking(self, front):
        page = front(files=30)
        row(page, "air_temperature_202001").locator(".zx-name").click()
        expect(page.get_by_role("heading", name="t2m")).to_be_visible()
        return page

    def node(self, page, name):
        return page.get_by_role("treeitem").filter(has_text=name).first

    def test_picture_has_values_real_axes_and_a_readout(self, looking):
        canvas = looking.locator(".zx-look .zx-plot-canvas")
        expect(canvas).to_have_attribute("aria-label", "image of t2m, 250.529 to 306.445")
        colours = canvas.evaluate("""c => {
          const d = c.getContext('2d').getImageData(60, 40, c.width - 200, c.height - 120).data;
          const seen = new Set();
          for (let i = 0; i < d.length; i += 400) seen.add(d.slice(i, i + 3).join());
          return seen.size;
        }""")
        assert colours > 20
        canvas.hover(position={"x": 200, "y": 100})
        tip = looking.locator(".zx-look .zx-plot-tip")
        expect(tip).to_contain_text("lat")
        expect(tip).to_contain_text("lon")

    def test_slider_asks_for_another_slice_and_names_it(self, looking):
        slider = looking.get_by_role("slider", name="time")
        slider.focus()
        slider.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuetext", "2020-01-02, 2 of 31")

    def test_axes_can_be_turned_and_dropped(self, looking):
        looking.get_by_role("tabpanel").get_by_label(
            "Dimension along the horizontal axis"
        ).select_option("time")
        looking.get_by_role("tabpanel").get_by_label(
            "Dimension along the vertical axis"
        ).select_option("")
        canvas = looking.locator(".zx-look .zx-plot-canvas")
        expect(canvas).to_have_attribute("aria-label", "line of t2m, 275.336 to 294.715")

    def test_values_as_a_table(self, looking):
        looking.get_by_role("radio", name="Values").click()
        table = looking.get_by_role("grid", name="Values")
        expect(table.get_by_role("row").nth(1)).to_contain_text("90")

    def test_costly_pictures_are_read_only_when_asked_for(self, looking):
        self.node(looking, "huge").click()
        expect(looking.get_by_text("Nothing has been read yet.")).to_be_visible()
        looking.get_by_role("button", name="Read 410").click()
        expect(looking.get_by_role("slider", name="level")).to_be_visible()

    def test_text_is_shown_as_text(self, looking):
        self.node(looking, "station_name").click()
        expect(looking.get_by_role("tabpanel").get_by_label("Values as text")).to_contain_text(
            '"<b>Graz</b>"'
        )

    def test_tree_by_keyboard(self, looking):
        tree = looking.get_by_role("tree")
        tree.focus()
        looking.keyboard.type("dia")
        looking.keyboard.press("ArrowRight")
        expect(self.node(looking, "mean")).to_be_visible()
        looking.keyboard.press("ArrowDown")
        expect(looking.get_by_role("heading", name="mean")).to_be_visible()
        looking.keyboard.press("Space")
        expect(self.node(looking, "mean")).to_have_attribute("aria-checked", "true")
        assert sent(looking, "PickVariables")[-1]["paths"] == ["/diagnostics/mean"]
        looking.keyboard.press("ArrowLeft")
        looking.keyboard.press("ArrowLeft")
        expect(self.node(looking, "diagnostics")).to_have_attribute("aria-expanded", "false")

    def test_search_finds_in_closed_groups(self, looking):
        looking.get_by_label("Find in this file").fill("flag")
        expect(looking.get_by_role("treeitem")).to_have_count(1)
        expect(self.node(looking, "flag")).to_contain_text("in /diagnostics/deep")

    def test_facts_and_chunk_map(self, looking):
        storage = looking.get_by_role("region", name="Storage")
        expect(storage).to_contain_text("1\u202f×\u202f46\u202f×\u202f90")
        expect(storage).to_contain_text("zlib(4)")
        expect(storage).to_contain_text("3 not written")
        looking.locator(".zx-chunk-canvas").hover(position={"x": 3, "y": 3})
        expect(storage).to_contain_text("Chunk lat 0, time 0:")

    def test_a_file_that_cannot_be_read_says_why_and_can_be_left_out(self, front):
        page = front(files=30)
        row(page, "air_temperature_202002").locator(".zx-name").click()
        problem = page.locator(".zx-look .zx-problem")
        expect(problem).to_contain_text("the file has 1 048 576")
        expect(problem).to_contain_text("Copy the file again")
        page.get_by_role("button", name="Leave this file out").click()
        assert sent(page, "LeaveOut")[0]["urls"] == ["/data/era/air_temperature_202002.nc"]


class TestCombineAndExport:
    @pytest.fixture
    def ticked(self, front):
        page = front(files=30)
        page.get_by_label("Filter files").fill("*2020*")
        page.get_by_role("button", name="Tick all 30 matches").click()
        to_step(page, "Combine")
        expect(page.get_by_role("grid", name="Variables")).to_be_visible()
        return page

    def test_misfits_are_grouped_and_remedies_send_their_actions(self, ticked):
        misfits = ticked.get_by_role("region", name="What does not fit")
        expect(misfits.locator(".zx-problem")).to_have_count(2)
        expect(misfits).to_contain_text("(31, 46, 90)")
        misfits.get_by_role("button", name="Leave 2 files out").click()
        assert len(sent(ticked, "LeaveOut")[0]["urls"]) == 2

    def test_values_of_a_variable_can_be_loaded(self, ticked):
        variable = ticked.get_by_role("row").filter(has_text="t2m")
        variable.get_by_role("button", name="virtual").click()
        expect(variable.get_by_role("button", name="loaded")).to_be_visible()
        assert sent(ticked, "SetLoad") == [
            {"op": "act", "type": "SetLoad", "paths": ["/t2m"], "on": True}
        ]

    def test_result_is_shown_in_a_frame_that_cannot_run_anything(self, front):
        page = front(files=9, html="<b id=here>ds</b><script>parent.pwned = 1</script>")
        page.get_by_role("button", name="Tick all").click()
        to_step(page, "Combine")
        page.get_by_role("button", name="Combine", exact=True).click()
        frame = page.locator("iframe.zx-frame")
        expect(frame).to_have_attribute("sandbox", "")
        expect(frame.content_frame.locator("#here")).to_have_text("ds")
        assert page.evaluate("window.pwned") is None
        expect(page.get_by_role("slider", name="time")).to_be_visible()  # and a picture of it

    def test_a_plan_that_failed_can_be_made_again(self, front):
        page = front(files=9, planless=True)
        page.get_by_role("button", name="Tick all").click()
        to_step(page, "Combine")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("region", name="Result")).to_be_visible()

    def test_what_cannot_be_done_now_keeps_the_keyboard_and_does_nothing(self, front):
        page = front(files=9, stuck=True)
        page.get_by_role("button", name="Tick all").click()
        to_step(page, "Combine")
        combine = page.get_by_role("button", name="Combine", exact=True)
        combine.focus()
        page.keyboard.press("Enter")
        expect(combine).to_be_disabled()
        expect(combine).to_be_focused()
        page.keyboard.press("Enter")
        assert len(sent(page, "Combine")) == 1

    def test_progress_count_and_cancel(self, front):
        page = front(files=9, stuck=True)
        page.get_by_role("button", name="Tick all").click()
        to_step(page, "Combine")
        page.get_by_role("button", name="Combine", exact=True).click()
        tasks = page.get_by_role("contentinfo")
        expect(tasks).to_contain_text("13 of 40 · about 12\u00a0s left")
        expect(tasks.get_by_role("progressbar")).to_have_attribute("value", "13")
        tasks.get_by_role("button", name="Cancel").click()
        expect(tasks).to_contain_text("cancelled")
        expect(page.get_by_role("status")).to_have_text("Combining: cancelled")

    def test_choices_in_quick_succession_do_not_undo_each_other(self, ticked):
        ticked.get_by_role("radio", name="Join along").click()
        field = ticked.get_by_label("Dimension to join along")
        expect(field).to_be_visible()
        ticked.evaluate("model.lost = true; older = structuredClone(model.get('view'))")
        field.fill("run")
        field.press("Tab")
        ticked.evaluate("model.set('view', older)")
        assert field.input_value() == "run"  # at once: later, the page has asked again
        ticked.get_by_label("Order of the files").select_option("name")
        combine = ticked.evaluate("model.backend.state.combine")
        assert (combine["how"], combine["dim"], combine["order"]) == ("concat", "run", "name")

    def test_export_reports_and_says_how_to_open(self, ticked):
        ticked.get_by_role("button", name="Combine", exact=True).click()
        ticked.get_by_role("region", name="Result").get_by_role("button", name="Export").click()
        ticked.get_by_role("radio", name="Kerchunk Parquet").click()
        assert sent(ticked, "ChooseExport")[-1]["format"] == "kerchunk-parquet"
        ticked.get_by_role("textbox", name="Destination").fill("/data/out.json")
        ticked.get_by_role("button", name="Export", exact=True).click()
        report = ticked.get_by_role("region", name="Report")
        expect(report).to_contain_text("/data/out.json")
        report.get_by_role("button", name="Copy", exact=True).click()
        expect(ticked.get_by_role("status")).to_have_text("Copied.")
        field = ticked.get_by_role("textbox", name="Destination")
        field.fill("")
        field.press("Control+v")
        assert "xr.open_dataset" in field.input_value()

    def test_a_format_with_one_layout_offers_no_choice(self, ticked):
        ticked.get_by_role("button", name="Combine", exact=True).click()
        to_step(ticked, "Export")
        layout = ticked.get_by_role("region", name="Layout")
        expect(layout).to_be_visible()
        ticked.get_by_role("radio", name="Icechunk").click()
        expect(layout).to_be_hidden()
        ticked.get_by_role("radio", name="Kerchunk JSON").click()
        expect(layout).to_be_visible()

    def test_what_was_chosen_stays_though_an_older_view_arrives(self, ticked):
        ticked.get_by_role("button", name="Combine", exact=True).click()
        to_step(ticked, "Export")
        ticked.evaluate("model.lost = true; older = structuredClone(model.get('view'))")
        ticked.get_by_role("radio", name="Kerchunk Parquet").click()
        field = ticked.get_by_role("textbox", name="Destination")
        field.fill("/data/mine.parq")
        field.press("Tab")
        ticked.evaluate("model.set('view', older)")
        expect(field).to_have_value("/data/mine.parq")
        ticked.get_by_role("button", name="Export", exact=True).click()
        chosen = sent(ticked, "ChooseExport")[-1]
        assert (chosen["format"], chosen["path"]) == ("kerchunk-parquet", "/data/mine.parq")

    def test_export_that_fails_says_why(self, ticked):
        ticked.get_by_role("button", name="Combine", exact=True).click()
        to_step(ticked, "Export")
        ticked.get_by_role("textbox", name="Destination").fill("/root/out.json")
        ticked.get_by_role("button", name="Export", exact=True).click()
        expect(ticked.get_by_role("region", name="Report")).to_contain_text("cannot be written to")

    def test_every_step_without_files_says_what_to_do_next(self, front):
        page = front(files=3)
        for step, words in (
            ("Look", "No file to look at"),
            ("Combine", "Nothing to combine"),
            ("Export", "Nothing to export"),
        ):
            to_step(page, step)
            expect(page.get_by_role("heading", name=words)).to_be_visible()
        page.get_by_role("button", name="Choose files").locator("visible=true").click()
        expect(listing(page)).to_be_visible()


class TestEverywhere:
    def test_drawers_open_close_and_give_the_focus_back(self, front):
        page = front()
        opener = page.get_by_role("banner").get_by_role("button", name="Copy as Python")
        opener.click()
        expect(page.get_by_label("The session as a Python script")).to_contain_text(
            "open_virtual_mfdataset"
        )
        page.get_by_role("complementary", name="Copy as Python").get_by_role(
            "button", name="Copy", exact=True
        ).click()
        expect(page.get_by_role("status")).to_have_text("Copied.")
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()
        page.get_by_role("button", name="Problems: 3").click()
        expect(
            page.get_by_role("complementary", name="Problems").locator(".zx-problem")
        ).to_have_count(2)

    def test_steps_by_arrow_keys(self, front):
        page = front()
        page.get_by_role("tab", name="Files").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="Look")).to_be_focused()
        expect(page.get_by_role("tab", name="Look")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("End")
        expect(page.get_by_role("tabpanel", name="Export")).to_be_visible()

    def test_bare_letters_stay_inside_but_tab_and_shortcuts_pass(self, front):
        page = front()
        page.evaluate(
            "() => { window.leaked = []; "
            "document.addEventListener('keydown', (e) => leaked.push(e.key)); }"
        )
        for name in ("tab", "grid"):
            page.get_by_role(name).first.focus()
            for key in ("d", "d", "ArrowDown", "Enter", "Control+b", "Tab"):
                page.keyboard.press(key)
        assert set(page.evaluate("leaked")) == {"Control", "b", "Tab"}

    @pytest.mark.parametrize("width", [700, 1600])
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_nothing_is_cut_off_sideways_and_text_can_be_read(self, front, shoot, width, theme):
        page = front(
            width=width, height=640 if width == 700 else 900, theme=theme, files=200, evil=True
        )
        name = f"{width}-{theme}"
        page.get_by_label("Filter files").fill("*202*")
        page.get_by_role("button", name="Tick all 200 matches").click()
        row(page, "air_temperature_202001").locator(".zx-name").click()
        expect(page.get_by_role("slider", name="time")).to_be_visible()
        for step in ("Files", "Look", "Combine", "Export"):
            to_step(page, step)
            if step == "Combine":
                page.get_by_role("button", name="Combine", exact=True).click()
                expect(page.get_by_role("region", name="Result")).to_be_visible()
            if step == "Export":
                page.get_by_role("button", name="Export", exact=True).click()
            shoot(page, f"{step}-{name}")
            wide = page.evaluate("""() => ['.zx', '.zx-head', '.zx-main', '.zx-panel:not([hidden])',
              '.zx-details', '.zx-combine-right'].flatMap((s) => [...document.querySelectorAll(s)])
              .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)""")
            assert not wide, (step, wide)
        contrasts = json.loads(page.evaluate(CONTRASTS.read_text(encoding="utf-8")))
        assert contrasts.pop("ink") > 7
        assert all(value >= 4.5 for value in contrasts.values()), contrasts

    def test_theme_of_the_system_is_followed_and_can_be_changed(self, front):
        page = front(scheme="dark")
        root = page.locator(".zx")
        expect(root).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Change between light and dark").click()
        expect(root).to_have_attribute("data-theme", "light")

    def test_two_views_of_one_model_do_not_take_each_others_answers(self, front):
        page = front(files=30)
        page.evaluate("""() => {
          const second = document.body.appendChild(document.createElement('div'));
          window.leaveSecond = frontEnd.default.render({model, el: second});
        }""")
        grids = page.get_by_role("grid", name="Files")
        expect(grids).to_have_count(2)
        expect(grids.nth(1)).to_contain_text("air_temperature_202001")

    def test_an_action_shows_though_the_view_that_follows_it_is_lost(self, front):
        page = front(files=30)
        page.evaluate("model.lost = true")
        row(page, "air_temperature_202001").locator(".zx-tick").click()
        expect(page.get_by_role("region", name="Collection")).to_contain_text("1\u00a0file")

    def test_leaving_takes_everything_away(self, front):
        page = front()
        page.evaluate("leave(); model.set('view', {...model.get('view'), step: 'look'})")
        assert page.locator(".zx").count() == 0

    def test_a_kernel_that_is_gone_is_told(self, front):
        page = front()
        page.clock.install()
        page.evaluate("""() => {
          leave();
          model.send = () => {};
          frontEnd.default.render({model, el: document.getElementById('host')});
        }""")
        expect(page.get_by_role("alert")).to_be_hidden()
        page.clock.run_for(40_000)
        expect(page.get_by_role("alert")).to_contain_text("run the cell again")
