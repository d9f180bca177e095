// @ts-check
// Quick look: read a slice through the references and show it as line, picture, table or text.

/** Bytes that are read without asking first. */
const FREE_BYTES = 32e6;

/** @typedef {{ name: string, size: number }} Dim */

class QuickLook {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {{ url: string | null, path: string } | null} */
    this.target = null;
    this.serial = 0;
    this.busy = false;
    this.again = false;
    this.allowed = false;
    /** @type {any} */
    this.result = null;
    /** @type {Float32Array} */
    this.values = new Float32Array(0);
    this.choice = { scale: "sequential", log: false, range: "full", low: 0, high: 1, mode: "picture" };
    /** @type {{ x: string | null, y: string | null, index: Record<string, number> }} */
    this.slice = { x: null, y: null, index: {} };
    this.plot = new Plot();
    this.table = new ValueTable();
    this.message = h("div.zx-look-message");
    this.stage = h("div.zx-plot-stage", {}, this.plot.el, this.table.el, this.message);
    this.foot = h("p.zx-plot-foot");
    this.bar = new PlotBar(this);
    this.sliders = new Sliders((dim, value) => this.slide(dim, value));
    this.el = h("div.zx-quick", { role: "group", "aria-label": "Quick look" }, this.bar.el, this.stage, this.sliders.el, this.foot);
    this.say(null);
  }

  /** @param {string | null} url null for the combined dataset @param {string} path */
  open(url, path) {
    if (this.target && this.target.url === url && this.target.path === path) return;
    this.target = { url, path };
    this.slice = { x: null, y: null, index: {} };
    this.choice = { ...this.choice, log: false, range: "full", mode: "picture" };
    this.allowed = false;
    this.result = null;
    this.draw();
    this.load({ price: true });
  }

  reset() {
    this.target = null;
    this.serial += 1;
    this.result = null;
    this.draw();
  }

  /** Ask again, e.g. because the data changed. */
  reload() {
    if (this.target) this.load({ price: false });
  }

  /** @param {string} dim @param {number} value */
  slide(dim, value) {
    this.slice.index[dim] = value;
    this.load({ price: false });
  }

  /** @param {string | null} x @param {string | null} y */
  turn(x, y) {
    this.slice = { ...this.slice, x, y: y === x ? null : y };
    this.load({ price: true });
  }

  /** One question at a time; while it is open, only the last wish is kept. @param {{ price: boolean }} how */
  async load({ price }) {
    const target = this.target;
    if (!target) return;
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    const serial = ++this.serial;
    const args = { ...target, ...this.slice, index: { ...this.slice.index } };
    const slow = setTimeout(() => this.stage.classList.add("zx-busy"), 180);
    try {
      const cost = price && !this.allowed ? await this.costOf(args) : null;
      if (serial !== this.serial) return;
      if (cost && cost.bytes > FREE_BYTES) this.sayCost(cost);
      else await this.read(args, serial);
    } catch (error) {
      if (serial === this.serial) {
        this.result = null;
        this.draw();
        this.say(problemCard(problemOf(error), this.app));
      }
    } finally {
      clearTimeout(slow);
      this.busy = false;
      this.stage.classList.remove("zx-busy");
      if (this.again || serial !== this.serial) {
        this.again = false;
        this.load({ price: this.result === null });
      }
    }
  }

  /** @param {any} args @param {number} serial */
  async read(args, serial) {
    const { result, buffers } = await this.app.ask("preview", args);
    if (serial !== this.serial) return;
    this.result = result;
    this.values = new Float32Array(buffers[0] ?? new ArrayBuffer(0));
    this.slice.x = result.x_dim ?? this.slice.x;
    this.slice.y = result.y_dim ?? this.slice.y;
    this.say(null);
    this.draw();
  }

  /** @param {any} args @returns {Promise<{ bytes: number, chunks: number } | null>} */
  async costOf(args) {
    try {
      return (await this.app.ask("preview_cost", args)).result;
    } catch {
      return null; // then reading itself tells what is wrong
    }
  }

  /** @param {{ bytes: number, chunks: number }} cost */
  sayCost(cost) {
    const read = button(`Read ${formatBytes(cost.bytes)}`, {
      kind: "primary",
      onclick: () => {
        this.allowed = true;
        this.load({ price: false });
      },
    });
    this.say(emptyState("look", "This picture is not free", `It needs ${formatBytes(cost.bytes)} from ${counted(cost.chunks, "chunk")}. Nothing has been read yet.`, read));
  }

  /** @param {HTMLElement | null} card */
  say(card) {
    fill(this.message, card);
    show(this.message, card !== null);
  }

  get drawable() {
    return this.result?.kind === "line" || this.result?.kind === "image";
  }

  /** Bring everything in line with the result and the choices. */
  draw() {
    const r = this.result;
    const drawable = this.drawable && this.values.length > 0;
    this.bar.set(drawable);
    this.sliders.set(r?.sliders ?? []);
    show(this.plot.el, drawable && this.choice.mode === "picture");
    show(this.table.el, (drawable && this.choice.mode === "table") || Boolean(r && !drawable));
    setText(this.foot, r ? this.footText(r) : "");
    if (!r) return this.plot.set(null);
    const picture = drawable ? this.picture(r) : null;
    this.plot.set(picture);
    if (picture) this.table.setPicture(picture);
    else this.table.setText(r.text ?? "");
  }

  /** @param {any} r @returns {Picture} */
  picture(r) {
    const line = r.kind === "line";
    const [height, width] = line ? [1, this.values.length] : r.shape;
    const full = rangeOf(this.values);
    const ends = this.ends(full, line);
    const log = this.choice.log && Number.isFinite(full.positive);
    const name = r.long_name || r.name || "value";
    return {
      kind: line ? "line" : "image",
      values: this.values,
      width,
      height,
      x: new Axis(r.x, width),
      y: new Axis(line ? null : r.y, height),
      title: r.name,
      valueTitle: withUnits(line ? name : r.name || name, r.units),
      low: log && ends.low <= 0 ? full.positive : ends.low,
      high: ends.high,
      log,
      scale: this.choice.scale,
    };
  }

  /** @param {{ low: number, high: number }} full @param {boolean} line */
  ends(full, line) {
    if (!Number.isFinite(full.low)) return { low: 0, high: 1 };
    if (this.choice.range === "own") return { low: this.choice.low, high: this.choice.high };
    const chosen = this.choice.range === "middle" ? middleRange(this.values) : full;
    if (this.choice.scale === "diverging" && !line && chosen.low < 0 && chosen.high > 0) {
      const end = Math.max(-chosen.low, chosen.high);
      return { low: -end, high: end };
    }
    if (line && !this.choice.log) return padded(chosen.low, chosen.high);
    return chosen.low === chosen.high ? padded(chosen.low, chosen.high) : { low: chosen.low, high: chosen.high };
  }

  /** @param {any} r */
  footText(r) {
    const parts = [`Read ${formatBytes(r.bytes ?? 0)}${r.requests ? ` in ${counted(r.requests, "request")}` : ""}`];
    if (this.drawable) {
      if (Number.isFinite(r.min) && Number.isFinite(r.max)) parts.push(`${formatValue(r.min)} to ${formatValue(r.max)} ${r.units ?? ""}`.trim());
      else parts.push("no values here, all missing");
      const missing = r.missing ?? 0;
      if (missing) parts.push(`${formatCount(missing)} of ${formatCount(this.values.length)} missing`);
    }
    if (r.step?.some((/** @type {number} */ s) => s > 1)) parts.push(`every ${r.step.join(" × ")} shown`);
    parts.push(r.dtype);
    return parts.filter(Boolean).join("  ·  ");
  }

  close() {
    this.serial += 1;
    this.target = null;
    this.plot.close();
    this.table.close();
  }
}
