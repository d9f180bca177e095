// @ts-check
// The grid of chunks as cells: stored (coloured by size), inlined, missing.

const CHUNK_MISSING = 0;
const CHUNK_INLINE = 1;

/** Rows become columns. @param {{ ny: number, nx: number, kinds: Uint8Array, sizes: Float32Array, dims: string[] }} map */
function turned({ ny, nx, kinds, sizes, dims }) {
  /** @param {number} i */
  const from = (i) => (i % ny) * nx + Math.floor(i / ny);
  return { ny: nx, nx: ny, kinds: kinds.map((_, i) => kinds[from(i)]), sizes: sizes.map((_, i) => sizes[from(i)]), dims: [dims[1] ?? "", dims[0] ?? ""] };
}

class ChunkMap {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.canvas = h("canvas.zx-chunk-canvas", { role: "img" });
    this.readout = h("p.zx-note.zx-num", {}, "");
    this.legend = h("div.zx-legend");
    this.el = h("div.zx-chunk-map", {}, this.canvas, this.legend, this.readout);
    this.serial = 0;
    /** @type {{ ny: number, nx: number, kinds: Uint8Array, sizes: Float32Array, dims: string[], per: number, low: number,
     * high: number, folded: boolean } | null} */
    this.map = null;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.el);
    this.el.addEventListener("zx-theme", () => this.draw());
    this.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ e) => this.hover(e));
    this.canvas.addEventListener("pointerleave", () => setText(this.readout, this.summary()));
  }

  /** @param {string} url @param {string} path */
  async open(url, path) {
    const serial = ++this.serial;
    try {
      const { result, buffers } = await this.app.ask("chunk_map", { url, path });
      if (serial !== this.serial) return;
      const per = result.chunks_per_cell ?? 1;
      let [ny, nx] = result.grid;
      // One dimension comes folded into lines, the last one filled up: it is folded anew here.
      if (result.wrapped) [ny, nx] = [1, Math.min(ny * nx, Math.ceil(result.chunks[0] / per))];
      const kinds = new Uint8Array(buffers[0]).slice(0, ny * nx);
      const sizes = new Float32Array(buffers[1]).slice(0, ny * nx);
      const stored = sizes.filter((size, i) => kinds[i] > CHUNK_INLINE && size > 0);
      const { low, high } = rangeOf(stored);
      const dims = result.dims ?? [];
      const map = { ny, nx, kinds, sizes, dims, per, low, high, folded: ny === 1 };
      // A tall narrow grid is laid on its side: the panel is wider than high.
      this.map = !map.folded && ny > 1.5 * nx ? { ...map, ...turned(map) } : map;
      this.drawLegend();
      setText(this.readout, this.summary());
      setAttribute(this.canvas, "aria-label", `Chunk map, ${ny} by ${nx} cells. ${this.summary()}`);
    } catch (error) {
      if (serial !== this.serial) return;
      this.map = null;
      fill(this.legend, null);
      setText(this.readout, problemOf(error).what);
    }
    this.draw();
  }

  summary() {
    const m = this.map;
    if (!m) return "";
    const each = m.per > 1 ? `One cell stands for ${counted(m.per, "chunk")}. ` : "";
    if (!Number.isFinite(m.low)) return `${each}No chunk is stored here.`;
    const sizes = m.low === m.high ? `${formatBytes(m.low)} each` : `${formatBytes(m.low)} to ${formatBytes(m.high)}`;
    return `${each}Stored: ${sizes}.`;
  }

  drawLegend() {
    const m = this.map;
    if (!m) return;
    const counts = [0, 0, 0];
    for (const kind of m.kinds) counts[Math.min(2, kind)] += 1;
    /** @param {string} kind @param {string} text @param {number} n */
    const item = (kind, text, n) => (n ? h("span.zx-legend-item", {}, h("i", { "data-kind": kind }), text) : null);
    fill(this.legend, item("stored", "stored, stronger is larger", counts[2]), item("inline", "inlined", counts[1]), item("missing", "not written", counts[0]));
  }

  /** @returns {{ cell: number, wide: number, width: number }} columns of cells per line; a long row is folded */
  layout() {
    const m = /** @type {NonNullable<typeof this.map>} */ (this.map);
    const width = Math.max(80, this.el.clientWidth);
    const cells = m.ny * m.nx;
    const wide = m.folded ? Math.min(cells, Math.max(20, Math.floor(width / 14))) : m.nx;
    const lines = Math.ceil(cells / wide);
    return { cell: Math.max(1.2, Math.min(22, width / wide, 240 / lines)), wide, width };
  }

  draw() {
    const m = this.map;
    show(this.canvas, Boolean(m));
    if (!m) return;
    const { cell, wide } = this.layout();
    const lines = Math.ceil((m.ny * m.nx) / wide);
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.ceil(cell * wide), Math.ceil(cell * lines)];
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const c = this.canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.el);
    const accent = style.getPropertyValue("--zx-accent").trim();
    const line = style.getPropertyValue("--zx-line").trim();
    const inline = style.getPropertyValue("--zx-warn").trim();
    const gap = cell > 5 ? 1 : 0;
    for (let i = 0; i < m.kinds.length; i++) {
      const x = (i % wide) * cell;
      const y = Math.floor(i / wide) * cell;
      const side = cell - gap;
      const kind = m.kinds[i];
      if (kind === CHUNK_MISSING) {
        c.globalAlpha = 1;
        c.strokeStyle = line;
        if (cell > 5) c.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
        continue;
      }
      c.globalAlpha = kind === CHUNK_INLINE || m.high === m.low ? 0.85 : 0.28 + 0.72 * ((m.sizes[i] - m.low) / (m.high - m.low));
      c.fillStyle = kind === CHUNK_INLINE ? inline : accent;
      c.fillRect(x, y, side, side);
    }
    c.globalAlpha = 1;
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const m = this.map;
    if (!m) return;
    const { cell, wide } = this.layout();
    const at = Math.floor(event.offsetY / cell) * wide + Math.floor(event.offsetX / cell);
    if (!(at >= 0 && at < m.kinds.length)) return;
    const where = m.folded ? `${m.dims.at(-1) ?? "chunk"} ${at}` : `${m.dims[0] ?? "row"} ${Math.floor(at / m.nx)}, ${m.dims[1] ?? "column"} ${at % m.nx}`;
    const what = m.kinds[at] === CHUNK_MISSING ? "not written: reads as the fill value" : `${formatBytes(m.sizes[at])} ${m.kinds[at] === CHUNK_INLINE ? "inlined" : "stored"}`;
    setText(this.readout, `${m.per > 1 ? "Cell" : "Chunk"} ${oneLine(where)}: ${what}`);
  }

  close() {
    this.serial += 1;
    this.observer.disconnect();
  }
}
