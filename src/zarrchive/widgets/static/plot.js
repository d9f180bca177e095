// @ts-check
// A picture of values: line or image on a canvas, with axes, colour bar and a read-out.

/**
 * @typedef {{ kind: "line" | "image", values: Float32Array, width: number, height: number, x: Axis, y: Axis,
 *   title: string, valueTitle: string, low: number, high: number, log: boolean, scale: string }} Picture
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box
 */

const PLOT_FONT = "11px";

class Plot {
  /** @param {{ onHover?: (text: string) => void }} options */
  constructor(options = {}) {
    this.options = options;
    this.canvas = h("canvas.zx-plot-canvas", { role: "img", tabindex: "-1" });
    this.cross = h("div.zx-plot-cross", { "aria-hidden": "true" });
    this.tip = h("div.zx-plot-tip", { "aria-hidden": "true" });
    this.el = h("div.zx-plot", {}, this.canvas, this.cross, this.tip);
    show(this.tip, false);
    show(this.cross, false);
    /** @type {Picture | null} */
    this.picture = null;
    this.box = { left: 0, top: 0, right: 0, bottom: 0 };
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.el);
    this.el.addEventListener("zx-theme", () => this.draw());
    this.el.addEventListener("pointermove", (e) => this.hover(e));
    this.el.addEventListener("pointerleave", () => this.leave());
  }

  /** @param {Picture | null} picture */
  set(picture) {
    this.picture = picture;
    this.leave();
    if (picture) {
      const { low, high } = rangeOf(picture.values);
      const range = Number.isFinite(low) ? `${formatValue(low)} to ${formatValue(high)}` : "all missing";
      setAttribute(this.canvas, "aria-label", `${picture.kind} of ${oneLine(picture.title)}, ${range}`);
    }
    this.draw();
  }

  /** Colours of the theme, read from the element so that both themes work. */
  inks() {
    const style = getComputedStyle(this.el);
    /** @param {string} name */
    const read = (name) => style.getPropertyValue(name).trim() || "#777";
    return {
      text: read("--zx-ink"), soft: read("--zx-ink-2"), line: read("--zx-line"), grid: read("--zx-line-soft"),
      accent: read("--zx-accent"), empty: read("--zx-surface-2"), font: style.fontFamily,
    };
  }

  draw() {
    const width = this.el.clientWidth;
    const height = this.el.clientHeight;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const c = this.canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const picture = this.picture;
    if (!picture) return;
    const inks = this.inks();
    c.font = `${PLOT_FONT} ${inks.font}`;
    if (picture.kind === "image") this.drawImage(c, picture, width, height, inks);
    else this.drawLine(c, picture, width, height, inks);
  }

  /** @param {any} c @param {Picture} p @param {number} width @param {number} height @param {any} inks */
  drawImage(c, p, width, height, inks) {
    const bar = 74;
    const wanted = Math.max(2, Math.floor(height / 48));
    const yTicks = p.y.ticks(wanted, -0.5, p.height - 0.5);
    const left = 30 + Math.max(10, ...yTicks.map((t) => c.measureText(t.text).width));
    this.box = { left, top: 10, right: width - bar - 16, bottom: height - 46 };
    const { top, right, bottom } = this.box;
    c.fillStyle = inks.empty;
    c.fillRect(left, top, right - left, bottom - top);
    c.imageSmoothingEnabled = (right - left) < p.width * 0.7;
    c.drawImage(this.paintCells(p), left, top, right - left, bottom - top);
    const xTicks = p.x.ticks(Math.max(2, Math.floor((right - left) / 90)), -0.5, p.width - 0.5);
    this.drawFrame(c, p, xTicks, yTicks, inks);
    this.drawColourBar(c, p, width - bar, inks);
  }

  /** @param {Picture} p @returns {HTMLCanvasElement} one pixel per cell, the first row where its coordinate wants it */
  paintCells(p) {
    const cells = document.createElement("canvas");
    cells.width = p.width;
    cells.height = p.height;
    const c = /** @type {CanvasRenderingContext2D} */ (cells.getContext("2d"));
    const image = c.createImageData(p.width, p.height);
    const table = colourTable(p.scale);
    const flipY = p.y.rising && Boolean(p.y.values);
    const flipX = !p.x.rising;
    for (let row = 0; row < p.height; row++) {
      const from = (flipY ? p.height - 1 - row : row) * p.width;
      for (let column = 0; column < p.width; column++) {
        const value = p.values[from + (flipX ? p.width - 1 - column : column)];
        if (Number.isNaN(value)) continue;
        const f = fractionOf(value, p.low, p.high, p.log);
        const k = 3 * Math.max(0, Math.min(255, Math.round(f * 255)));
        const at = 4 * (row * p.width + column);
        image.data[at] = table[k];
        image.data[at + 1] = table[k + 1];
        image.data[at + 2] = table[k + 2];
        image.data[at + 3] = 255;
      }
    }
    c.putImageData(image, 0, 0);
    return cells;
  }

  /** Pixel of a cell along x or y. @param {Picture} p @param {number} cell */
  xOf(p, cell) {
    const { left, right } = this.box;
    const f = p.kind === "line" ? (p.width > 1 ? cell / (p.width - 1) : 0.5) : (cell + 0.5) / p.width;
    return left + (p.x.rising ? f : 1 - f) * (right - left);
  }

  /** @param {Picture} p @param {number} cell */
  yOf(p, cell) {
    const { top, bottom } = this.box;
    const f = (cell + 0.5) / p.height;
    return p.y.rising && p.y.values ? bottom - f * (bottom - top) : top + f * (bottom - top);
  }

  /** @param {any} c @param {Picture} p @param {any[]} xTicks @param {any[]} yTicks @param {any} inks */
  drawFrame(c, p, xTicks, yTicks, inks) {
    const { left, top, right, bottom } = this.box;
    c.strokeStyle = inks.line;
    c.lineWidth = 1;
    c.strokeRect(left - 0.5, top - 0.5, right - left + 1, bottom - top + 1);
    c.fillStyle = inks.soft;
    this.drawXTicks(c, p, xTicks);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const tick of yTicks) {
      const y = Math.round(this.yTick(p, tick)) + 0.5;
      if (y < top - 1 || y > bottom + 1) continue;
      c.beginPath();
      c.moveTo(left - 5, y);
      c.lineTo(left - 1, y);
      c.stroke();
      c.fillText(tick.text, left - 8, y);
    }
    c.fillStyle = inks.text;
    c.textAlign = "center";
    c.textBaseline = "bottom";
    c.fillText(fitText(c, p.x.title, right - left), (left + right) / 2, bottom + 44);
    c.save();
    c.translate(3, (top + bottom) / 2);
    c.rotate(-Math.PI / 2);
    c.textBaseline = "top";
    c.fillText(fitText(c, p.kind === "line" ? p.valueTitle : p.y.title, bottom - top), 0, 0);
    c.restore();
  }

  /** @param {any} c @param {Picture} p @param {any[]} xTicks */
  drawXTicks(c, p, xTicks) {
    const { left, right, bottom } = this.box;
    c.textAlign = "center";
    c.textBaseline = "top";
    let free = -Infinity;
    for (const tick of xTicks) {
      const x = Math.round(this.xOf(p, tick.at)) + 0.5;
      if (x < left - 1 || x > right + 1) continue;
      c.beginPath();
      c.moveTo(x, bottom + 1);
      c.lineTo(x, bottom + 5);
      c.stroke();
      const lines = fitText(c, tick.text, 140).split("\n");
      const half = Math.max(...lines.map((t) => c.measureText(t).width)) / 2;
      if (x - half < free && p.x.rising) continue;
      free = x + half + 8;
      lines.forEach((text, i) => c.fillText(text, x, bottom + 7 + 11 * i));
    }
  }

  /** @param {Picture} p @param {any} tick */
  yTick(p, tick) {
    if (p.kind === "image") return this.yOf(p, tick.at);
    return this.valueY(p, tick.at);
  }

  /** @param {Picture} p @param {number} value */
  valueY(p, value) {
    const { top, bottom } = this.box;
    return bottom - fractionOf(value, p.low, p.high, p.log) * (bottom - top);
  }

  /** @param {any} c @param {Picture} p @param {number} left @param {any} inks */
  drawColourBar(c, p, left, inks) {
    const { top, bottom } = this.box;
    const table = colourTable(p.scale);
    for (let y = 0; y < bottom - top; y++) {
      const k = 3 * Math.round((1 - y / (bottom - top)) * 255);
      c.fillStyle = `rgb(${table[k]},${table[k + 1]},${table[k + 2]})`;
      c.fillRect(left, top + y, 10, 1.5);
    }
    c.strokeStyle = inks.line;
    c.strokeRect(left - 0.5, top - 0.5, 11, bottom - top + 1);
    c.fillStyle = inks.soft;
    c.textAlign = "left";
    c.textBaseline = "middle";
    const ticks = valueTicks(p, Math.max(2, Math.floor((bottom - top) / 44)));
    for (const tick of ticks) {
      const y = this.valueY(p, tick.at);
      c.beginPath();
      c.moveTo(left + 11, y);
      c.lineTo(left + 14, y);
      c.stroke();
      c.fillText(tick.text, left + 17, y);
    }
    c.fillStyle = inks.text;
    c.textAlign = "right";
    c.textBaseline = "bottom";
    c.fillText(fitText(c, p.valueTitle, 150), left + 64, bottom + 44);
  }

  /** @param {any} c @param {Picture} p @param {number} width @param {number} height @param {any} inks */
  drawLine(c, p, width, height, inks) {
    const yTicks = valueTicks(p, Math.max(2, Math.floor(height / 44)));
    const left = 32 + Math.max(10, ...yTicks.map((t) => c.measureText(t.text).width));
    this.box = { left, top: 10, right: width - 18, bottom: height - 46 };
    const { top, right, bottom } = this.box;
    c.strokeStyle = inks.grid;
    for (const tick of yTicks) {
      const y = Math.round(this.valueY(p, tick.at)) + 0.5;
      c.beginPath();
      c.moveTo(left, y);
      c.lineTo(right, y);
      c.stroke();
    }
    const xTicks = p.x.ticks(Math.max(2, Math.floor((right - left) / 90)), 0, p.width - 1);
    this.drawFrame(c, p, xTicks, yTicks, inks);
    c.save();
    c.beginPath();
    c.rect(left, top - 2, right - left, bottom - top + 4);
    c.clip();
    this.drawCurve(c, p, inks);
    c.restore();
  }

  /** Every point while they can be told apart; the extremes of each pixel column beyond that. @param {any} c @param {Picture} p @param {any} inks */
  drawCurve(c, p, inks) {
    c.strokeStyle = inks.accent;
    c.fillStyle = inks.accent;
    c.lineWidth = 1.6;
    c.lineJoin = "round";
    c.beginPath();
    let down = false;
    for (const [cell, value] of thinned(p.values, Math.max(50, Math.floor(this.box.right - this.box.left)))) {
      if (Number.isNaN(value) || (p.log && value <= 0)) {
        down = false;
        continue;
      }
      const x = this.xOf(p, cell);
      const y = this.valueY(p, value);
      if (down) c.lineTo(x, y);
      else c.moveTo(x, y);
      down = true;
    }
    c.stroke();
    if (p.width > 80) return;
    p.values.forEach((value, cell) => {
      c.beginPath();
      c.arc(this.xOf(p, cell), this.valueY(p, value), 2.4, 0, 7);
      if (!Number.isNaN(value)) c.fill();
    });
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const p = this.picture;
    if (!p) return;
    const place = this.el.getBoundingClientRect();
    const x = event.clientX - place.left;
    const y = event.clientY - place.top;
    const { left, top, right, bottom } = this.box;
    if (x < left || x > right || y < top || y > bottom) return this.leave();
    let fx = (x - left) / (right - left);
    if (!p.x.rising) fx = 1 - fx;
    const column = p.kind === "line" ? Math.round(fx * (p.width - 1)) : Math.min(p.width - 1, Math.floor(fx * p.width));
    let fy = (y - top) / (bottom - top);
    if (p.y.rising && p.y.values) fy = 1 - fy;
    const row = p.kind === "line" ? 0 : Math.min(p.height - 1, Math.floor(fy * p.height));
    const value = p.values[row * p.width + column];
    const lines = [[p.x.name, p.x.textOf(column)]];
    if (p.kind === "image") lines.unshift([p.y.name, p.y.textOf(row)]);
    this.showTip(p, x, y, lines, value, column);
  }

  /** @param {Picture} p @param {number} x @param {number} y @param {string[][]} lines @param {number} value @param {number} column */
  showTip(p, x, y, lines, value, column) {
    fill(
      this.tip,
      h("strong", {}, formatValue(value)),
      lines.map(([name, text]) => h("span", {}, h("i", {}, oneLine(name)), " ", text)),
    );
    show(this.tip, true);
    const wide = this.tip.offsetWidth;
    this.tip.style.left = `${x + wide + 24 > this.el.clientWidth ? x - wide - 14 : x + 14}px`;
    this.tip.style.top = `${Math.max(4, y - 14)}px`;
    show(this.cross, p.kind === "line");
    this.cross.style.left = `${this.xOf(p, column)}px`;
    this.cross.style.top = `${this.box.top}px`;
    this.cross.style.height = `${this.box.bottom - this.box.top}px`;
    this.options.onHover?.(`${formatValue(value)} at ${lines.map((l) => l.join(" ")).join(", ")}`);
  }

  leave() {
    show(this.tip, false);
    show(this.cross, false);
  }

  close() {
    this.observer.disconnect();
  }
}
