// @ts-check
// The combined dataset: as xarray shows it, and as a picture, before anything is written.

/** Style of the frame that shows xarray's own HTML, which takes its colours from JupyterLab's names. */
const FRAME_STYLE = `
body { margin: 0; padding: 2px 10px; background: var(--jp-layout-color0); color: var(--jp-content-font-color0);
  font: 12.5px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
.xr-wrap { max-width: none !important; }`;

/** @type {Record<string, string>} the names that xarray's style reads, and our colours for them */
const FRAME_COLOURS = {
  "--jp-content-font-color0": "--zx-ink",
  "--jp-content-font-color2": "--zx-ink-2",
  "--jp-content-font-color3": "--zx-ink-2",
  "--jp-border-color2": "--zx-line",
  "--jp-layout-color0": "--zx-surface",
  "--jp-layout-color1": "--zx-surface",
  "--jp-layout-color2": "--zx-surface-2",
  "--jp-layout-color3": "--zx-line",
};

/** @param {App} app */
function makeCombineResult(app) {
  const quick = new QuickLook(app);
  const stats = h("div.zx-row.zx-wrap");
  const frame = h("iframe.zx-frame", { sandbox: "", title: "The combined dataset as xarray shows it", tabindex: "0" });
  const text = h("pre.zx-script");
  const choose = selectBox([], "", "Variable of the combined dataset", (path) => quick.open(null, path));
  const picture = section("Look at the combined data", field("Variable", choose, "zx-inline"), quick.el);
  const done = button("Export", { kind: "primary", icon: "export", onclick: () => app.go("export") });
  const el = h(
    "section.zx-section.zx-result",
    { "aria-label": "Result" },
    h("div.zx-row", {}, h("h3", {}, "Combined dataset"), h("span.zx-spacer"), done),
    stats,
    frame,
    text,
    picture,
  );
  let shown = "";
  let version = -1;
  /** @param {any} result */
  const drawFrame = (result) => {
    const style = getComputedStyle(el);
    const colours = Object.entries(FRAME_COLOURS).map(([theirs, ours]) => `${theirs}: ${style.getPropertyValue(ours).trim()};`);
    const root = `:root { color-scheme: ${app.isDark() ? "dark" : "light"}; ${colours.join(" ")} }`;
    frame.srcdoc = `<!doctype html><html><head><meta charset="utf-8"><style>${root}${FRAME_STYLE}</style></head><body>${result.html}</body></html>`;
    const lines = result.text.split("\n").length;
    frame.style.height = `${Math.min(460, 60 + 22 * lines)}px`;
  };
  const loadVariables = async () => {
    try {
      const { result } = await app.ask("variables", { start: 0, count: 1000, of: "result" });
      const taken = result.rows.filter((/** @type {any} */ r) => r.picked);
      /** @type {[string, string][]} */
      const options = taken.map((/** @type {any} */ r) => [r.path, r.path.replace(/^\//, "")]);
      // Of several with as many dimensions, the first.
      const largest = [...taken].sort((/** @type {any} */ a, /** @type {any} */ b) => b.dims.length - a.dims.length)[0];
      const wish = options.some(([path]) => path === choose.value) ? choose.value : (largest?.path ?? "");
      setOptions(choose, options, wish);
      show(picture, options.length > 0);
      quick.reset();
      if (wish) quick.open(null, wish);
    } catch (error) {
      show(picture, false);
      app.announce(problemOf(error).what);
    }
  };
  return {
    el,
    /** @param {any} view */
    update({ combine, theme }) {
      const { result } = combine;
      show(el, Boolean(result));
      if (!result) {
        if (shown) quick.reset();
        shown = "";
        return;
      }
      const now = JSON.stringify([result, app.isDark(), theme]);
      if (now === shown) return;
      shown = now;
      fill(
        stats,
        Object.entries(result.dims).map(([name, n]) => h("span.zx-badge", {}, h("i", {}, oneLine(name)), ` ${formatCount(/** @type {number} */ (n))}`)),
        h("span.zx-faint", {}, `${counted(result.nvariables, "variable")} · ${counted(result.nrefs, "reference")}`),
      );
      show(frame, Boolean(result.html));
      show(text, !result.html);
      if (result.html) drawFrame(result);
      else setText(text, result.text);
      const stamp = JSON.stringify([result.nrefs, result.dims, result.nvariables]).length + combine.version;
      if (stamp !== version) {
        version = stamp;
        loadVariables();
      }
    },
    close: () => quick.close(),
  };
}
