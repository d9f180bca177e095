// @ts-check
// Rows of a long list, fetched in pages when they come into sight.

const PAGE_ROWS = 200;
/** Pages kept; more than anybody sees, few enough for any memory. */
const PAGES_KEPT = 60;

class Pages {
  /**
   * @param {(start: number, count: number) => Promise<any[]>} fetch
   * @param {() => void} onArrive
   */
  constructor(fetch, onArrive) {
    this.fetch = fetch;
    this.onArrive = onArrive;
    this.generation = 0;
    /** @type {Map<number, { rows: any[], generation: number }>} */
    this.pages = new Map();
    /** @type {Set<number>} */
    this.wanted = new Set();
    /** @type {Set<string>} */
    this.asked = new Set();
    this.timer = 0;
  }

  /** @param {number} index @returns {any | undefined} the row, or nothing yet */
  row(index) {
    const number = Math.floor(index / PAGE_ROWS);
    const page = this.pages.get(number);
    if (!page || page.generation !== this.generation) this.want(number);
    return page?.rows[index % PAGE_ROWS];
  }

  /** @param {number} number */
  want(number) {
    if (this.asked.has(`${this.generation}:${number}`)) return;
    this.wanted.add(number);
    // Wait a moment: while the scrollbar is dragged, pages pass that nobody will look at.
    if (!this.timer) this.timer = window.setTimeout(() => this.fetchWanted(), 15);
  }

  fetchWanted() {
    this.timer = 0;
    const generation = this.generation;
    for (const number of [...this.wanted].slice(-3)) {
      const key = `${generation}:${number}`;
      this.asked.add(key);
      this.fetch(number * PAGE_ROWS, PAGE_ROWS).then(
        (rows) => {
          if (generation !== this.generation) return;
          this.pages.delete(number);
          this.pages.set(number, { rows, generation });
          for (const oldest of this.pages.keys()) {
            if (this.pages.size <= PAGES_KEPT) break;
            this.pages.delete(oldest);
            this.asked.delete(`${generation}:${oldest}`);
          }
          this.onArrive();
        },
        () => this.asked.delete(key),
      );
    }
    this.wanted.clear();
  }

  /** The list changed. @param {{ keep: boolean }} options keep: show the old rows until new ones come */
  invalidate({ keep }) {
    this.generation += 1;
    this.asked.clear();
    this.wanted.clear();
    if (!keep) this.pages.clear();
    this.onArrive();
  }
}
