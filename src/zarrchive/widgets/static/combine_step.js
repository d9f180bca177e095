// @ts-check
// Step 3: choose variables, see the plan, what does not fit and why, and the combined dataset.

/** @param {App} app */
function makeCombineStep(app) {
  const table = makeVariableTable(app);
  const plan = makePlanPanel(app);
  const result = makeCombineResult(app);
  const problems = h("div.zx-stack");
  const problemsTitle = h("h3", {}, "What does not fit");
  const misfit = h("section.zx-section", { "aria-label": "What does not fit" }, problemsTitle, problems);
  const right = h("div.zx-combine-right", {}, plan.el, misfit, result.el);
  const split = h("div.zx-combine-split", {}, table.el, right);
  const blank = h("div.zx-blank");
  const el = h("div.zx-combine", {}, split, blank);
  return {
    el,
    focus: () => table.focus(),
    /** @param {any} view */
    update(view) {
      const { combine, collection } = view;
      const any = collection.count > 0;
      show(split, any);
      show(blank, !any);
      if (!any)
        return fillOnce(blank, "none", () =>
          emptyState("combine", "Nothing to combine yet", "Tick the files that belong together. This step then shows which variables they share and makes one dataset of them.", button("Choose files", { kind: "primary", icon: "files", onclick: () => app.go("files") })),
        );
      table.update(view);
      plan.update(view);
      fillOnce(problems, JSON.stringify(combine.problems), () => problemList(combine.problems, app, { remedies: true }));
      setText(problemsTitle, `What does not fit (${formatCount(groupedProblems(combine.problems).length)})`);
      show(misfit, combine.problems.length > 0);
      result.update(view);
    },
    close() {
      table.close();
      result.close();
    },
  };
}

/** @param {App} app */
function makeVariableTable(app) {
  /** @type {Map<string, boolean>} */
  const pending = new Map();
  let version = -1;
  let asked = -1;
  const pages = new Pages(async (start, count) => {
    const { result } = await app.ask("variables", { start, count });
    for (const row of result.rows) if (pending.get(row.path) === row.picked) pending.delete(row.path);
    return result.rows;
  }, () => list.paint());
  const picked = (/** @type {any} */ row) => pending.get(row.path) ?? row.picked;
  const header = h(
    "div.zx-vhead",
    { role: "row" },
    ["", "Variable", "In files", "Type", "Chunks", "Values"].map((text, i) =>
      h("span.zx-cell", { role: "columnheader", "aria-label": text || "Taken", class: ["", "", "zx-num", "zx-col-dtype", "zx-col-chunks", ""][i] }, text),
    ),
  );
  const list = new VirtualList({
    label: "Variables",
    role: "grid",
    multi: true,
    rowHeight: 32,
    header,
    signature: (i) => {
      const row = pages.row(i);
      return row ? JSON.stringify([row, picked(row)]) : "";
    },
    draw: (i) => drawVariableRow(pages.row(i), picked, app),
    attributes: (i) => ({ "aria-selected": pages.row(i) ? String(picked(pages.row(i))) : null }),
    textOf: (i) => pages.row(i)?.name ?? null,
    onTick: async (i, { range }) => {
      const row = pages.row(i);
      if (!row) return;
      const on = range ? true : !picked(row);
      const rows = range ? (await app.ask("variables", { start: range[0], count: range[1] - range[0] + 1 })).result.rows : [row];
      const paths = rows.map((/** @type {any} */ r) => r.path);
      for (const path of paths) pending.set(path, on);
      list.paint();
      app.act("PickVariables", { paths, on });
    },
    onKey: (event, i) => {
      const row = pages.row(i);
      if (event.key.toLowerCase() !== "l" || event.ctrlKey || event.metaKey || !row || event.altKey || !event.shiftKey) return false;
      app.act("SetLoad", { paths: [row.path], on: !row.load });
      return true;
    },
  });
  const title = h("h2", {}, "Variables");
  const note = h("span.zx-faint.zx-num");
  /** @param {boolean} on */
  const all = (on) => async () => {
    const { result } = await app.ask("variables", { start: 0, count: app.view().combine.nvariables });
    app.act("PickVariables", { paths: result.rows.map((/** @type {any} */ r) => r.path), on });
  };
  const el = h(
    "section.zx-variables",
    { "aria-label": "Variables" },
    h("header.zx-panel-head", {}, title, note, h("span.zx-spacer"), button("All", { kind: "quiet", onclick: all(true) }), button("None", { kind: "quiet", onclick: all(false) })),
    list.el,
  );
  return {
    el,
    focus: () => list.el.focus(),
    /** @param {any} view */
    update({ combine }) {
      setText(note, `${formatCount(combine.npicked)} of ${formatCount(combine.nvariables)} taken`);
      if (combine.version === version && combine.nvariables === asked) return;
      const fresh = combine.nvariables !== asked;
      version = combine.version;
      asked = combine.nvariables;
      pages.invalidate({ keep: !fresh });
      list.setCount(combine.nvariables);
    },
    close: () => list.close(),
  };
}

/** @param {any} row @param {(row: any) => boolean} picked @param {App} app @returns {any[]} */
function drawVariableRow(row, picked, app) {
  if (!row) return [h("span.zx-cell"), h("span.zx-cell.zx-skeleton", { role: "gridcell" })];
  /** @param {string[]} values */
  const several = (values) => (values.length === 1 ? oneLine(values[0]) : h("span.zx-differs", { title: values.join("   ") }, `${values.length} kinds`));
  const group = row.path.slice(0, row.path.lastIndexOf("/"));
  const some = row.present < row.total;
  return [
    h("span.zx-cell.zx-tick-cell", { role: "gridcell", "data-tick": true }, tickMark(picked(row))),
    h(
      "span.zx-cell.zx-name-cell",
      { role: "gridcell", title: `${row.path}  (${row.dims.join(", ")})` },
      h("span.zx-name", {}, group ? h("span.zx-faint", {}, `${oneLine(group).slice(1)}/`) : null, oneLine(row.name)),
      h("span.zx-faint.zx-dims", {}, row.dims.map(oneLine).join(", ")),
      row.problems ? h("span.zx-warn", { title: counted(row.problems, "problem") }, drawIcon("warning")) : null,
    ),
    h("span.zx-cell.zx-num", { role: "gridcell", class: some ? "zx-differs" : "" }, some ? `${formatCount(row.present)} of ${formatCount(row.total)}` : "all"),
    h("span.zx-cell.zx-col-dtype.zx-mono", { role: "gridcell" }, several(row.dtype)),
    h("span.zx-cell.zx-col-chunks.zx-mono", { role: "gridcell" }, several(row.chunks)),
    h(
      "span.zx-cell",
      { role: "gridcell" },
      row.coordinate
        ? h("span.zx-switch.zx-switch-fixed", { title: "A coordinate: its values are always copied into the store" }, "coordinate")
        : h(
        "button.zx-switch",
        {
          type: "button",
          tabindex: "-1",
          "aria-pressed": String(row.load),
          title: row.load ? "The values are copied into the store. Press to keep references only." : "The store refers to the bytes in the files. Press to copy the values into it (Shift+L).",
          onclick: () => app.act("SetLoad", { paths: [row.path], on: !row.load }),
        },
        row.load ? "loaded" : "virtual",
      ),
    ),
  ];
}

/** How the files are put together, in one sentence and three controls. @param {App} app */
function makePlanPanel(app) {
  /** @param {object} changes */
  const choose = (changes) => app.act("ChooseCombine", changes);
  const how = segmented("How to combine", [["auto", "By coordinates"], ["concat", "Join along"], ["merge", "Merge"], ["split", "Split"]], (value) => choose({ how: value, dim: dim.value.trim() }));
  const dim = h("input.zx-input", { "aria-label": "Dimension to join along", list: `zx-dims-${Math.random().toString(36).slice(2)}`, placeholder: "dimension", size: "14", onchange: () => (synced.told(dim.value.trim()), choose({ dim: dim.value.trim() })) });
  const synced = makeSynced(dim);
  const known = h("datalist", { id: dim.getAttribute("list") });
  const order = selectBox([["coordinate", "by coordinate"], ["name", "by file name"]], "coordinate", "Order of the files", (value) => choose({ order: value }));
  const repair = h("input", { type: "checkbox", onchange: () => choose({ repair: repair.checked }) });
  const repairField = h("label.zx-check.zx-check-long", { title: "Values of files that are stored otherwise are copied into the result, a variable that is missing once reads as missing, coordinates that differ by rounding become one. What would change a number stays an error." }, repair, "Repair what does not fit, if no number changes");
  const dimField = field("along", dim, "zx-inline");
  const orderField = field("in order", order, "zx-inline");
  const sentence = h("p.zx-sentence");
  const go = button("Combine", { kind: "primary", icon: "combine", onclick: () => app.act("Combine") });
  const hint = h("span.zx-faint");
  const el = h("section.zx-section.zx-plan", { "aria-label": "Plan" }, h("h3", {}, "Plan"), h("div.zx-row.zx-wrap", {}, how.el, dimField, orderField, known), repairField, sentence, h("div.zx-row", {}, go, hint));
  return {
    el,
    /** @param {any} view */
    update({ combine, collection }) {
      const planless = combine.status === "failed" && combine.nvariables === 0;
      how.set(combine.how === "single" ? "auto" : combine.how);
      show(how.el, collection.count > 1);
      how.offer("split", combine.can_split || combine.how === "split");
      const along = combine.how === "concat" || combine.how === "split";
      show(dimField, along);
      show(orderField, along);
      synced.show(combine.dim);
      repair.checked = combine.repair;
      show(repairField, collection.count > 1 && (combine.can_repair || combine.repair));
      fillOnce(known, JSON.stringify(combine.dims), () => combine.dims.map((/** @type {string} */ d) => h("option", { value: d })));
      setOptions(order, [["coordinate", "by coordinate"], ["name", "by file name"]], combine.order);
      setText(sentence, combine.sentence || (planless ? "There is no plan; what is wrong stands below." : "The files are being read; the plan follows."));
      const running = combine.status === "running" || combine.status === "scanning";
      const again = combine.status === "done";
      go.classList.toggle("zx-button-primary", !again); // then the next step is the main thing to do
      setAvailable(go, !running && (combine.npicked > 0 || planless));
      setText(/** @type {Element} */ (go.querySelector(".zx-label")), again ? "Combine again" : planless ? "Try again" : collection.count === 1 ? "Make the dataset" : "Combine");
      const words = { scanning: `Reading the files: ${formatCount(collection.scanned)} of ${formatCount(collection.count)}`, running: "Combining…" };
      setText(hint, words[combine.status] ?? (combine.npicked === 0 && !planless ? "Take at least one variable." : ""));
    },
  };
}
