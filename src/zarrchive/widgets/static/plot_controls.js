// @ts-check
// What stands around a picture: axes, colours, range, sliders; and the values as a table.

/** Columns of a table of values; more are not readable, and the picture shows them all. */
const TABLE_COLUMNS = 40;

class PlotBar {
  /** @param {QuickLook} look */
  constructor(look) {
    this.look = look;
    const choice = () => look.choice;
    /** @param {object} changes */
    const choose = (changes) => {
      Object.assign(look.choice, changes);
      look.draw();
    };
    this.x = selectBox([], "", "Dimension along the horizontal axis", (v) => look.turn(v, this.dimOf(this.y)));
    this.y = selectBox([], "", "Dimension along the vertical axis", (v) => look.turn(this.dimOf(this.x), v || null));
    this.scale = selectBox(Object.entries(SCALES).map(([id, s]) => [id, s.label]), "sequential", "Colours", (v) => choose({ scale: v }));
    this.log = h("input", { type: "checkbox", onchange: () => choose({ log: this.log.checked }) });
    this.range = selectBox([["full", "Full range"], ["middle", "Middle 96 %"], ["own", "Own range"]], "full", "Range of values", (v) => choose({ range: v, ...this.ends(v) }));
    /** @param {"low" | "high"} end */
    const number = (end) =>
      h("input.zx-input.zx-number", {
        type: "number", step: "any", "aria-label": end === "low" ? "Lowest value" : "Highest value",
        onchange: (/** @type {any} */ e) => Number.isFinite(e.target.valueAsNumber) && choose({ [end]: e.target.valueAsNumber }),
      });
    this.low = number("low");
    this.high = number("high");
    this.own = h("span.zx-row.zx-tight", {}, this.low, "to", this.high);
    this.mode = segmented("Show as", [["picture", "Picture"], ["table", "Values"]], (v) => choose({ mode: v }));
    this.yField = field("y", this.y, "zx-inline");
    this.xField = field("x", this.x, "zx-inline");
    this.scaleField = field("Colours", this.scale, "zx-inline");
    this.logField = h("label.zx-check", {}, this.log, "Log");
    this.el = h("div.zx-plot-bar", {}, this.xField, this.yField, h("span.zx-spacer"), this.scaleField, this.range, this.own, this.logField, this.mode.el);
    this.choice = choice;
  }

  /** @param {any} box @returns {string | null} */
  dimOf(box) {
    return box.value || null;
  }

  /** An own range starts where the picture is now. @param {string} range */
  ends(range) {
    const p = this.look.plot.picture;
    return range === "own" && p ? { low: p.low, high: p.high } : {};
  }

  /** @param {boolean} drawable */
  set(drawable) {
    const r = this.look.result;
    show(this.el, drawable);
    if (!drawable) return;
    /** @type {[string, string][]} */
    const dims = (r.dims ?? []).map((/** @type {Dim} */ d) => [d.name, d.name]);
    const x = r.x_dim ?? this.look.slice.x ?? r.x?.name ?? "";
    const y = r.kind === "line" ? "" : (r.y_dim ?? this.look.slice.y ?? "");
    setOptions(this.x, dims, x);
    setOptions(this.y, [["", "none (line)"], ...dims.filter(([name]) => name !== x)], y);
    show(this.xField, dims.length > 1);
    show(this.yField, dims.length > 1);
    show(this.scaleField, r.kind === "image");
    show(this.own, this.choice().range === "own");
    this.log.checked = this.choice().log;
    this.scale.value = this.choice().scale;
    this.range.value = this.choice().range;
    this.low.value = String(Number(this.choice().low.toPrecision(6)));
    this.high.value = String(Number(this.choice().high.toPrecision(6)));
    this.mode.set(this.choice().mode);
  }
}

class Sliders {
  /** @param {(dim: string, value: number) => void} onslide */
  constructor(onslide) {
    this.onslide = onslide;
    this.el = h("div.zx-sliders", {});
    /** @type {Map<string, { row: HTMLElement, input: any, text: HTMLElement }>} */
    this.rows = new Map();
  }

  /** @param {{ dim: string, size: number, index: number, label?: string }[]} sliders */
  set(sliders) {
    const names = sliders.map((s) => s.dim);
    for (const [dim, { row }] of this.rows)
      if (!names.includes(dim)) {
        row.remove();
        this.rows.delete(dim);
      }
    for (const s of sliders) {
      const made = this.rows.get(s.dim) ?? this.make(s.dim);
      made.input.max = String(s.size - 1);
      made.input.disabled = s.size < 2;
      if (!hasFocus(made.input)) made.input.value = String(s.index);
      setAttribute(made.input, "aria-valuetext", `${oneLine(s.label ?? s.index)}, ${s.index + 1} of ${s.size}`);
      fill(made.text, h("b", {}, oneLine(s.label ?? String(s.index))), h("span", {}, ` ${formatCount(s.index + 1)} of ${formatCount(s.size)}`));
    }
    show(this.el, sliders.length > 0);
  }

  /** @param {string} dim */
  make(dim) {
    const input = h("input.zx-slider", { type: "range", min: "0", value: "0", "aria-label": oneLine(dim), oninput: () => this.onslide(dim, Number(input.value)) });
    /** @param {number} by */
    const step = (by) => () => {
      input.value = String(Number(input.value) + by);
      this.onslide(dim, Number(input.value));
    };
    const text = h("span.zx-slider-value");
    const row = h(
      "div.zx-slider-row",
      {},
      h("span.zx-slider-name", { title: dim }, oneLine(dim)),
      button(`Previous ${oneLine(dim)}`, { icon: "left", iconOnly: true, kind: "quiet", onclick: step(-1) }),
      input,
      button(`Next ${oneLine(dim)}`, { icon: "right", iconOnly: true, kind: "quiet", onclick: step(1) }),
      text,
    );
    this.el.append(row);
    const made = { row, input, text };
    this.rows.set(dim, made);
    return made;
  }
}

class ValueTable {
  constructor() {
    /** @type {Picture | null} */
    this.picture = null;
    this.version = 0;
    this.header = h("div.zx-vhead", { role: "row" });
    this.list = new VirtualList({
      label: "Values",
      role: "grid",
      rowHeight: 24,
      header: this.header,
      signature: (i) => `${this.version}:${i}`,
      draw: (i) => this.drawRow(i),
    });
    this.pre = h("pre.zx-values-text", { tabindex: "0", "aria-label": "Values as text" });
    this.note = h("p.zx-note");
    this.el = h("div.zx-value-table", {}, this.note, this.list.el, this.pre);
  }

  /** @param {string} text */
  setText(text) {
    this.picture = null;
    setText(this.pre, text);
    show(this.pre, true);
    show(this.list.el, false);
    show(this.note, false);
  }

  /** @param {Picture} p */
  setPicture(p) {
    this.picture = p;
    this.version += 1;
    const line = p.kind === "line";
    const columns = line ? 1 : Math.min(TABLE_COLUMNS, p.width);
    const cell = (/** @type {string} */ text) => h("span.zx-cell.zx-num", { role: "columnheader", title: text }, oneLine(text));
    const heads = line ? [p.valueTitle] : Array.from({ length: columns }, (_, i) => p.x.textOf(i));
    fill(this.header, cell(line ? p.x.title : `${p.y.name} \\ ${p.x.name}`), heads.map(cell));
    this.list.el.style.setProperty("--cols", `minmax(120px, max-content) repeat(${columns}, ${line ? "200px" : "92px"})`);
    setText(this.note, !line && p.width > columns ? `The first ${columns} of ${formatCount(p.width)} columns.` : "");
    show(this.note, !line && p.width > columns);
    show(this.pre, false);
    show(this.list.el, true);
    this.list.setCount(line ? p.width : p.height);
  }

  /** @param {number} i */
  drawRow(i) {
    const p = this.picture;
    if (!p) return [];
    const line = p.kind === "line";
    const columns = line ? 1 : Math.min(TABLE_COLUMNS, p.width);
    const from = line ? i : i * p.width;
    const values = Array.from(p.values.slice(from, from + columns), (v) =>
      h("span.zx-cell.zx-num", { role: "gridcell", class: Number.isNaN(v) ? "zx-faint" : "" }, formatValue(v)),
    );
    return [h("span.zx-cell.zx-num.zx-faint", { role: "rowheader" }, (line ? p.x : p.y).textOf(i)), ...values];
  }

  close() {
    this.list.close();
  }
}
