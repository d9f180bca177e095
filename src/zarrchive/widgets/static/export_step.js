// @ts-check
// Step 4: write the references where other software opens them, and how to open them.

/** @param {App} app */
function makeExportStep(app) {
  const form = makeExportForm(app);
  const report = makeExportReport(app);
  const blank = h("div.zx-blank");
  const facts = h("div");
  const what = section("What is written", facts);
  const body = h("div.zx-export-body", {}, form.el, h("div.zx-stack.zx-export-side", {}, what, report.el));
  const el = h("div.zx-export", {}, body, blank);
  return {
    el,
    focus: () => form.focus(),
    /** @param {any} view */
    update(view) {
      const ready = Boolean(view.combine.result);
      show(body, ready);
      show(blank, !ready);
      if (!ready) {
        const some = view.collection.count > 0;
        return fillOnce(blank, String(some), () =>
          emptyState(
            "export",
            "Nothing to export yet",
            some ? "Make one dataset of your files first; what is written here is that dataset, as references to the bytes in the files." : "Choose files and combine them first; what is written here is the combined dataset, as references to the bytes in the files.",
            some ? button("Combine", { kind: "primary", icon: "combine", onclick: () => app.go("combine") }) : button("Choose files", { kind: "primary", icon: "files", onclick: () => app.go("files") }),
          ),
        );
      }
      form.update(view);
      report.update(view);
      const { result } = view.combine;
      show(what, view.export.status !== "done");
      fillOnce(facts, JSON.stringify([result.dims, result.nrefs, view.collection.count]), () => resultFacts(result, view.collection));
    },
    close() {},
  };
}

/** @param {any} result @param {any} collection */
function resultFacts(result, collection) {
  const dims = Object.entries(result.dims).map(([name, n]) => h("span.zx-dim", {}, h("i", {}, oneLine(name)), ` ${formatCount(/** @type {number} */ (n))}`));
  return h(
    "dl.zx-facts",
    {},
    fact("Files", [formatCount(collection.count), h("span.zx-faint", {}, ` with ${formatBytes(collection.size)}; they stay where they are`)]),
    fact("Dimensions", dims.length ? dims : "none"),
    fact("Variables", formatCount(result.nvariables)),
    fact("References", formatCount(result.nrefs)),
  );
}

/** @param {App} app */
function makeExportForm(app) {
  /** @type {{ format?: string, path?: string, zarr_format?: number }} What was chosen, until a view shows that Python knows it. */
  let wished = {};
  /** @param {typeof wished} changes */
  const choose = (changes) => {
    wished = { ...wished, ...changes };
    const { format, zarr_format } = app.view().export;
    app.act("ChooseExport", { format, zarr_format, path: "", ...wished }); // "": as it is
  };
  const typed = () => ({ path: path.value.trim() });
  /** @param {string} format */
  const chooseFormat = (format) => {
    choose({ format });
    delete wished.path; // Python adapts the suffix
  };
  const cards = h("div.zx-cards", { role: "radiogroup", "aria-label": "Format" });
  cards.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    const all = /** @type {HTMLElement[]} */ ([...cards.children]);
    const at = all.indexOf(/** @type {any} */ (cards.getRootNode()).activeElement);
    if (!step || at < 0) return;
    e.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    chooseFormat(String(next.dataset.format));
    next.focus();
  });
  const zarr = segmented("Zarr layout", [["2", "Zarr v2"], ["3", "Zarr v3"]], (value) => choose({ zarr_format: Number(value) }));
  const path = h("input.zx-input.zx-mono.zx-grow", {
    type: "text",
    spellcheck: "false",
    "aria-label": "Destination",
    oninput: () => (wished = { ...wished, ...typed() }),
    onchange: () => choose(typed()),
    onkeydown: (/** @type {KeyboardEvent} */ e) => {
      if (e.key === "Enter") choose(typed());
    },
  });
  const go = button("Export", {
    kind: "primary",
    icon: "export",
    onclick: () => {
      choose({});
      app.act("Export");
    },
  });
  const note = h("span.zx-faint", {});
  const layout = section("Layout", h("div.zx-row.zx-wrap", {}, zarr.el, h("span.zx-faint", {}, "v2 is what every reader of kerchunk references knows; v3 needs zarr 3.")));
  const el = h(
    "div.zx-export-form",
    {},
    section("Format", cards),
    layout,
    section("Destination", h("div.zx-row", {}, path, go), note),
  );
  return {
    el,
    focus: () => path.focus(),
    /** @param {any} view */
    update({ export: e }) {
      fillOnce(cards, JSON.stringify([e.formats, e.format]), () => e.formats.map((/** @type {any} */ f) => formatCard(f, f.id === e.format, () => chooseFormat(f.id), app)));
      zarr.set(String(e.zarr_format));
      show(layout, e.format !== "icechunk"); // which has one only
      if (wished.format === e.format) delete wished.format;
      if (wished.zarr_format === e.zarr_format) delete wished.zarr_format;
      if (wished.path === e.path || (!wished.path && !hasFocus(path))) delete wished.path;
      if (!hasFocus(path) && !wished.path) path.value = e.path;
      const chosen = e.formats.find((/** @type {any} */ f) => f.id === e.format);
      const refused = Boolean(chosen?.problems.some((/** @type {Problem} */ p) => p.severity === "error"));
      setAvailable(go, e.status !== "running" && !refused);
      setText(note, e.status === "running" ? "Writing…" : refused ? "Solve the problems of this format above, or choose another one." : "Written at once or not at all; an existing export is replaced.");
    },
  };
}

/** @param {any} format @param {boolean} chosen @param {() => void} onpick @param {App} app */
function formatCard(format, chosen, onpick, app) {
  return h(
    "div.zx-card",
    {
      role: "radio",
      tabindex: chosen ? "0" : "-1",
      "aria-checked": String(chosen),
      "aria-label": format.label,
      "data-format": format.id,
      onclick: onpick,
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        if (e.key !== " " && e.key !== "Enter") return;
        e.preventDefault();
        onpick();
      },
    },
    h("div.zx-row", {}, h("span.zx-radio", { "aria-hidden": "true" }), h("b", {}, format.label), h("span.zx-spacer"), h("span.zx-num.zx-faint", { title: "Predicted size" }, format.size ? `about ${formatBytes(format.size)}` : "")),
    h("p", {}, format.says),
    format.problems.length ? h("div.zx-stack", {}, problemList(format.problems, app)) : null,
  );
}

/** @param {App} app */
function makeExportReport(app) {
  const code = makeCodeBlock(app, "How to open the export");
  const facts = h("div");
  const title = h("div.zx-row.zx-done", {}, drawIcon("check"), h("h3", {}, "Written"));
  const script = button("Copy as Python", { icon: "code", onclick: (e) => app.openScript(/** @type {HTMLElement} */ (e.currentTarget)) });
  const done = h("div.zx-stack", {}, title, facts, h("h3", {}, "How to open it"), code.el, h("p.zx-note", {}, "The whole way here, from the folder to this file, as a script that you can run every night:"), h("div.zx-row", {}, script));
  const failed = h("div.zx-stack");
  const el = h("section.zx-section.zx-report", { "aria-label": "Report" }, done, failed);
  let shown = "";
  return {
    el,
    /** @param {any} view */
    update({ export: e }) {
      const now = JSON.stringify([e.report, e.problem, e.status]);
      if (now === shown) return;
      shown = now;
      const { report } = e;
      show(done, Boolean(report) && e.status === "done");
      show(failed, Boolean(e.problem));
      fill(failed, e.problem ? problemCard(e.problem, app) : null);
      show(el, Boolean(report && e.status === "done") || Boolean(e.problem));
      if (!report) return;
      fill(
        facts,
        h(
          "dl.zx-facts",
          {},
          fact("Path", h("span.zx-mono.zx-break", {}, report.path)),
          fact("Size", formatBytes(report.size)),
          fact("References", [formatCount(report.nrefs), report.ninlined ? h("span.zx-faint", {}, ` and ${formatCount(report.ninlined)} inlined`) : null]),
          fact("Time", `${Number(report.seconds ?? 0).toFixed(2)}\u202fs`),
        ),
      );
      code.set(report.how_to_open ?? "");
    },
  };
}
