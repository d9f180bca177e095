// @ts-check
// The tree of one file: groups and arrays, children fetched when a group is opened.

/**
 * @typedef {{ path: string, name: string, kind: "group" | "array", children: number, dtype?: string, shape?: number[],
 *   dims?: string[], problems: number, picked: boolean, refused?: boolean }} TreeNode
 * @typedef {{ node: TreeNode, depth: number }} Line
 */

/** What stands at the end of a line. @param {TreeNode} node */
function noteOf(node) {
  if (node.kind === "group") return formatCount(node.children);
  if (node.refused) return "left out"; // nothing is known of its shape
  return oneLine((node.dims?.length ? node.dims : [formatShape(node.shape ?? [])]).join(", "));
}

class GroupTree {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {string | null} */
    this.url = null;
    /** @type {Map<string, TreeNode[]>} */
    this.children = new Map();
    /** @type {Set<string>} */
    this.opened = new Set();
    /** @type {Line[]} */
    this.lines = [];
    /** @type {string | null} */
    this.current = null;
    this.found = "";
    /** @type {Map<string, boolean>} picks that Python has not confirmed yet */
    this.pending = new Map();
    this.timer = 0;
    this.serial = 0;
    this.search = h("input.zx-input.zx-grow", {
      type: "search",
      placeholder: "Find names and attributes",
      "aria-label": "Find in this file: names and attributes",
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.reload(), 180);
      },
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        if (e.key === "ArrowDown" || e.key === "Enter") this.list.el.focus();
        else if (e.key === "Escape") {
          this.search.value = "";
          this.reload();
        } else return;
        e.preventDefault();
      },
    });
    this.list = new VirtualList({
      label: "Groups and variables",
      role: "tree",
      rowHeight: 28,
      multi: true,
      signature: (i) => this.signature(i),
      draw: (i) => this.drawLine(this.lines[i]),
      attributes: (i) => this.attributes(this.lines[i]),
      textOf: (i) => this.lines[i]?.node.name ?? null,
      onOpen: (i) => this.toggle(i),
      onMove: (i) => this.select(i),
      onTick: (i, { range }) => this.pick(i, range),
      onKey: (event, i) => this.onKey(event, i),
    });
    this.note = h("div.zx-tree-note");
    this.el = h("div.zx-tree", {}, h("div.zx-toolbar", {}, drawIcon("search"), this.search), this.list.el, this.note);
  }

  /** @param {string | null} url @param {string | null} node the selected path */
  async show(url, node) {
    this.current = node;
    if (url === this.url) return this.list.paint();
    this.url = url;
    this.search.value = "";
    this.opened = new Set(["/"]);
    this.children.clear();
    this.pending.clear();
    await this.reload();
    if (url === this.url && node) await this.reveal(node);
  }

  /** Ask again for everything that is open (picks or problems changed). */
  async reload() {
    const serial = ++this.serial;
    const url = this.url;
    if (!url) return this.setLines([]);
    this.found = this.search.value.trim();
    try {
      if (this.found) {
        const { result } = await this.app.ask("search_tree", { url, text: this.found });
        if (serial !== this.serial) return;
        this.setLines(result.nodes.map((/** @type {TreeNode} */ node) => ({ node, depth: 0 })));
        fill(this.note, result.nodes.length ? counted(result.nodes.length, "match", "matches") : `Nothing here is called or contains “${this.found}”.`);
        return;
      }
      const paths = [...this.opened];
      const answers = await Promise.all(paths.map((path) => this.app.ask("tree", { url, path })));
      if (serial !== this.serial) return;
      answers.forEach(({ result }, i) => this.keep(paths[i], result.nodes));
      this.flatten();
    } catch (error) {
      if (serial !== this.serial) return;
      this.setLines([]);
      fill(this.note, problemOf(error).what);
    }
  }

  /** @param {string} path @param {TreeNode[]} nodes */
  keep(path, nodes) {
    this.children.set(path, nodes);
    for (const node of nodes) if (this.pending.get(node.path) === node.picked) this.pending.delete(node.path);
  }

  flatten() {
    /** @type {Line[]} */
    const lines = [];
    /** @type {[string, number][]} a stack instead of recursion: files may nest hundreds of groups */
    const stack = [["/", 0]];
    /** @type {Map<string, number>} */
    const next = new Map();
    while (stack.length) {
      const [path, depth] = stack[stack.length - 1];
      const nodes = this.children.get(path) ?? [];
      const at = next.get(path) ?? 0;
      if (at >= nodes.length) {
        stack.pop();
        continue;
      }
      next.set(path, at + 1);
      const node = nodes[at];
      lines.push({ node, depth });
      if (node.kind === "group" && this.opened.has(node.path)) stack.push([node.path, depth + 1]);
    }
    this.setLines(lines);
    fill(this.note, lines.length ? null : this.url ? "This file has no groups and no variables." : null);
  }

  /** @param {Line[]} lines */
  setLines(lines) {
    const active = this.lines[this.list.active]?.node.path;
    this.lines = lines;
    this.list.setCount(lines.length);
    const at = lines.findIndex((line) => line.node.path === (active ?? this.current));
    if (at >= 0) this.list.go(at, { quiet: true });
  }

  /** Open every group above a path and move there. @param {string} path */
  async reveal(path) {
    const parts = path.split("/").filter(Boolean);
    for (let i = 1; i < parts.length; i++) this.opened.add(`/${parts.slice(0, i).join("/")}`);
    if (parts.length > 1) await this.reload();
    const at = this.lines.findIndex((line) => line.node.path === path);
    if (at >= 0) this.list.go(at, { quiet: true });
  }

  /** @param {TreeNode} node */
  picked(node) {
    return this.pending.get(node.path) ?? node.picked;
  }

  /** @param {number} i */
  signature(i) {
    const line = this.lines[i];
    if (!line) return "";
    const { node, depth } = line;
    return `${node.path}|${depth}|${this.opened.has(node.path)}|${this.picked(node)}|${node.problems}|${node.path === this.current}|${this.found}`;
  }

  /** @param {Line} line */
  attributes({ node, depth }) {
    return {
      "aria-level": depth + 1,
      "aria-expanded": node.kind === "group" && !this.found ? String(this.opened.has(node.path)) : null,
      "aria-checked": node.kind === "array" && !node.refused ? String(this.picked(node)) : null,
      "aria-selected": String(node.path === this.current),
      "data-path": oneLine(node.path),
    };
  }

  /** @param {Line} line @returns {any[]} */
  drawLine({ node, depth }) {
    const group = node.kind === "group";
    const open = this.opened.has(node.path);
    const where = this.found ? node.path.slice(0, node.path.lastIndexOf("/")) : "";
    return [
      h("span.zx-indent", { style: { "--depth": String(Math.min(depth, 12)) } }),
      group
        ? h("span.zx-twist", { "data-open": !this.found, "data-expanded": String(open) }, this.found ? null : drawIcon("right"))
        : h("span.zx-tick-cell", { "data-tick": !node.refused }, node.refused ? null : tickMark(this.picked(node))),
      drawIcon(group ? "group" : "array"),
      h("span.zx-name", { title: node.path, "data-open": group }, oneLine(node.name), where ? h("span.zx-faint", {}, ` in ${oneLine(where)}`) : null),
      node.problems ? h(node.refused ? "span.zx-bad" : "span.zx-warn", { title: node.refused ? "This variable cannot be referenced; see why" : counted(node.problems, "problem") }, drawIcon(node.refused ? "error" : "warning")) : null,
      h("span.zx-node-note.zx-num", {}, noteOf(node)),
    ];
  }

  /** @param {number} i */
  select(i) {
    const line = this.lines[i];
    if (!line || line.node.path === this.current) return;
    this.current = line.node.path;
    this.list.paint();
    this.app.act("SelectNode", { path: line.node.path });
  }

  /** @param {number} i @param {boolean} [open] */
  async toggle(i, open) {
    const line = this.lines[i];
    if (!line || line.node.kind !== "group" || this.found) return;
    const { path } = line.node;
    const wish = open ?? !this.opened.has(path);
    if (!wish) this.opened.delete(path);
    else {
      this.opened.add(path);
      if (!this.children.has(path) && this.url)
        try {
          this.keep(path, (await this.app.ask("tree", { url: this.url, path })).result.nodes);
        } catch (error) {
          this.app.announce(problemOf(error).what);
        }
    }
    this.flatten();
  }

  /** @param {number} i @param {number[] | null} range */
  pick(i, range) {
    const line = this.lines[i];
    if (!line) return;
    if (line.node.kind === "group") return void this.toggle(i);
    if (line.node.refused) return;
    const on = range ? true : !this.picked(line.node);
    const lines = range ? this.lines.slice(range[0], range[1] + 1) : [line];
    const paths = lines.filter((l) => l.node.kind === "array" && !l.node.refused).map((l) => l.node.path);
    for (const path of paths) this.pending.set(path, on);
    this.list.paint();
    this.app.act("PickVariables", { paths, on });
  }

  /** @param {KeyboardEvent} event @param {number} i */
  onKey(event, i) {
    const line = this.lines[i];
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return false;
    const open = line.node.kind === "group" && this.opened.has(line.node.path);
    if (event.key === "ArrowRight") {
      if (line.node.kind === "group" && !open) this.toggle(i, true);
      else if (open) this.list.go(i + 1);
      return true;
    }
    if (event.key !== "ArrowLeft") return false;
    if (open) this.toggle(i, false);
    else {
      for (let up = i - 1; up >= 0; up--)
        if (this.lines[up].depth < line.depth) {
          this.list.go(up);
          break;
        }
    }
    return true;
  }

  close() {
    clearTimeout(this.timer);
    this.list.close();
  }
}
