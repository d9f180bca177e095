// @ts-check
// Rows of equal height of which only the visible ones exist; one tab stop, moved through by keys.

/** Browsers clip very tall elements; beyond this the scroll position is scaled. */
const MAX_SCROLL_PIXELS = 8e6;
/** Milliseconds between letters that still belong to one typed word. */
const TYPING_PAUSE = 700;
const POINTER_ENDS = ["pointerup", "pointercancel"];

let listSerial = 0;

/**
 * @typedef {{
 *   label: string, role: "grid" | "tree" | "listbox", rowHeight?: number, header?: HTMLElement, multi?: boolean,
 *   draw: (index: number) => any[],
 *   signature: (index: number) => string,
 *   attributes?: (index: number) => Record<string, any>,
 *   textOf?: (index: number) => string | null,
 *   onOpen?: (index: number, event: Event) => void,
 *   onTick?: (index: number, options: { range: number[] | null }) => void,
 *   onMove?: (index: number) => void,
 *   onKey?: (event: KeyboardEvent, index: number) => boolean,
 *   onType?: (letter: string) => void,
 * }} ListOptions
 */

class VirtualList {
  /** @param {ListOptions} options */
  constructor(options) {
    this.options = options;
    this.rowHeight = options.rowHeight ?? 30;
    this.count = 0;
    this.active = 0;
    /** @type {number | null} where a shift range begins */
    this.anchor = null;
    /** @type {{ row: Element, text: string | null | undefined } | null} where the pointer is down */
    this.held = null;
    this.id = `zx-list-${++listSerial}`;
    this.typed = "";
    this.typedAt = 0;
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.pad = h("div.zx-vlist-pad", { role: "presentation" });
    this.window = h("div.zx-vlist-window", { role: options.role === "grid" ? "rowgroup" : "presentation" });
    this.el = h(
      "div.zx-vlist",
      {
        role: options.role,
        tabindex: "0",
        "aria-label": options.label,
        "aria-multiselectable": options.multi ? "true" : null,
        onscroll: () => this.paint(),
        onkeydown: (/** @type {KeyboardEvent} */ e) => this.onKeydown(e),
        onpointerdown: (/** @type {PointerEvent} */ e) => this.hold(e),
        onclick: (/** @type {MouseEvent} */ e) => this.onClick(e),
      },
      options.header,
      this.pad,
    );
    this.pad.append(this.window);
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.el);
    this.ended = () => setTimeout(() => this.release()); // the click comes first
    for (const type of POINTER_ENDS) window.addEventListener(type, this.ended);
  }

  get headerHeight() {
    return this.options.header?.offsetHeight ?? 0;
  }

  get viewHeight() {
    return Math.max(this.rowHeight, this.el.clientHeight - this.headerHeight);
  }

  get scale() {
    const total = this.count * this.rowHeight;
    return total > MAX_SCROLL_PIXELS ? MAX_SCROLL_PIXELS / total : 1;
  }

  /** @param {number} count */
  setCount(count) {
    this.count = count;
    setAttribute(this.el, this.options.role === "grid" ? "aria-rowcount" : "data-count", count);
    this.pad.style.height = `${count * this.rowHeight * this.scale}px`;
    if (this.active >= count) this.active = Math.max(0, count - 1);
    this.paint();
  }

  /** Draw what is visible; rows whose signature is unchanged stay untouched (and clickable). */
  paint() {
    const top = this.el.scrollTop;
    const scale = this.scale;
    const start = Math.max(0, Math.floor(top / scale / this.rowHeight) - 5);
    const end = Math.min(this.count, start + Math.ceil(this.viewHeight / this.rowHeight) + 10);
    const shift = scale === 1 ? start * this.rowHeight : Math.max(0, top - 5 * this.rowHeight);
    this.window.style.transform = `translateY(${shift}px)`;
    for (const [index, row] of this.rows)
      if (index < start || index >= end) {
        row.remove();
        this.rows.delete(index);
      }
    /** @type {Element | null} */
    let before = this.window.firstElementChild;
    for (let index = start; index < end; index++) {
      let row = this.rows.get(index);
      if (!row) {
        row = h("div.zx-vrow", { id: `${this.id}-${index}`, "data-index": index });
        row.style.height = `${this.rowHeight}px`;
        this.rows.set(index, row);
        this.window.insertBefore(row, before);
      } else before = row.nextElementSibling;
      this.drawRow(row, index);
    }
    setAttribute(this.el, "aria-activedescendant", this.count ? `${this.id}-${this.active}` : null);
  }

  /** @param {HTMLElement} row @param {number} index */
  drawRow(row, index) {
    if (row === this.held?.row) return;
    const signature = this.options.signature(index);
    if (row.dataset.signature !== signature) {
      row.dataset.signature = signature;
      fill(row, ...this.options.draw(index));
      const roles = { grid: "row", tree: "treeitem", listbox: "option" };
      const extra = this.options.attributes?.(index) ?? {};
      for (const [key, value] of Object.entries({ role: roles[this.options.role], ...extra })) setAttribute(row, key, value);
      if (this.options.role === "grid") setAttribute(row, "aria-rowindex", index + 1);
    }
    row.classList.toggle("zx-active", index === this.active);
  }

  /** Move to a row and show it. @param {number} index @param {{ quiet?: boolean }} [options] */
  go(index, { quiet = false } = {}) {
    if (!this.count) return;
    this.active = Math.max(0, Math.min(this.count - 1, index));
    const y = this.active * this.rowHeight * this.scale;
    if (y < this.el.scrollTop) this.el.scrollTop = y;
    else if (y + this.rowHeight > this.el.scrollTop + this.viewHeight) this.el.scrollTop = y + this.rowHeight - this.viewHeight;
    this.paint();
    if (!quiet) this.options.onMove?.(this.active);
  }

  /** @param {number} index @param {boolean} extend with shift: from the last ticked row to here */
  tick(index, extend) {
    const from = extend && this.anchor !== null ? this.anchor : null;
    this.anchor = index;
    this.options.onTick?.(index, { range: from === null ? null : [Math.min(from, index), Math.max(from, index)] });
  }

  /**
   * Leave the pressed row as it is until the click: of what is drawn anew in between, there is none.
   * @param {PointerEvent} event
   */
  hold(event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".zx-vrow"));
    if (!row) return;
    this.held = { row, text: this.options.textOf?.(Number(row.dataset.index)) };
  }

  release() {
    if (!this.held) return;
    this.held = null;
    this.paint();
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest(".zx-vrow"));
    if (!row) return;
    const index = Number(row.dataset.index);
    if (row === this.held?.row && this.options.textOf?.(index) !== this.held.text) return; // another list came
    const zone = /** @type {HTMLElement | null} */ (target.closest("[data-tick], [data-open]"));
    const ticks = zone?.dataset.tick !== undefined;
    this.go(index, { quiet: ticks });
    if (ticks) this.tick(index, event.shiftKey);
    else if (zone) this.options.onOpen?.(index, event);
  }

  /** @param {KeyboardEvent} event */
  onKeydown(event) {
    if (event.target !== this.el) return;
    if (this.options.onKey?.(event, this.active)) {
      event.preventDefault();
      return;
    }
    const page = Math.max(1, Math.floor(this.viewHeight / this.rowHeight) - 1);
    const to = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + page,
      PageUp: this.active - page,
      Home: 0,
      End: this.count - 1,
    }[event.key];
    const plain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (to !== undefined && plain) this.go(to);
    else if (event.key === "Enter" && plain) this.options.onOpen?.(this.active, event);
    else if (event.key === " " && plain) this.tick(this.active, event.shiftKey);
    else if (event.key.length === 1 && plain && this.count) this.find(event.key);
    else return;
    event.preventDefault();
  }

  /** Typing finds: the next row whose text begins with what was typed. @param {string} letter */
  find(letter) {
    if (this.options.onType) return this.options.onType(letter);
    const textOf = this.options.textOf;
    if (!textOf) return;
    const now = Date.now();
    this.typed = (now - this.typedAt > TYPING_PAUSE ? "" : this.typed) + letter.toLowerCase();
    this.typedAt = now;
    const first = this.typed.length === 1 ? this.active + 1 : this.active;
    for (let step = 0; step < this.count; step++) {
      const index = (first + step) % this.count;
      if (textOf(index)?.toLowerCase().startsWith(this.typed)) return this.go(index);
    }
  }

  close() {
    this.observer.disconnect();
    for (const type of POINTER_ENDS) window.removeEventListener(type, this.ended);
  }
}
