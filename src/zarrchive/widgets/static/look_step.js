// @ts-check
// Step 2: inside one file: tree on the left, what is selected on the right.

/** @param {App} app */
function makeLookStep(app) {
  const switcher = makeFileSwitcher(app);
  const tree = new GroupTree(app);
  const details = makeDetails(app);
  const left = h("div.zx-look-left", {}, switcher.el, tree.el);
  const blank = h("div.zx-blank");
  const split = h("div.zx-look-split", {}, left, details.el);
  const el = h("div.zx-look", {}, split, blank);
  let shown = "";
  let picks = -1;
  return {
    el,
    focus: () => (app.view().look.file ? tree.list.el.focus() : undefined),
    /** @param {any} view */
    update(view) {
      const { look, collection } = view;
      switcher.update(view);
      const any = Boolean(look.file) || collection.count > 0;
      show(split, any);
      show(blank, !any);
      if (!any)
        fillOnce(blank, "none", () =>
          emptyState("look", "No file to look at", "Tick some files, or press Enter on one, and see what is inside: variables, chunks, attributes and a picture.", button("Choose files", { kind: "primary", icon: "files", onclick: () => app.go("files") })),
        );
      const now = JSON.stringify([look.file, look.node, look.version, look.status, look.problem, look.problems]);
      if (now === shown) return;
      shown = now;
      if (!look.file) {
        tree.show(null, null);
        return details.say(emptyState("files", "Choose a file", "Pick one of the collection above."));
      }
      if (look.status === "failed" && look.problem) {
        tree.show(null, null);
        return details.say(failedFile(look, app));
      }
      if (look.status === "loading") return details.say(emptyState("refresh", "Reading…", baseName(look.file)));
      const reread = tree.url === look.file && picks !== look.version;
      picks = look.version;
      if (reread) tree.reload();
      tree.show(look.file, look.node);
      details.show(look.file, look.node ?? "/");
    },
    /** Picks changed in Python. */
    refreshPicks() {
      tree.reload();
    },
    close() {
      tree.close();
      details.close();
      switcher.close();
    },
  };
}

/** @param {any} look @param {App} app */
function failedFile(look, app) {
  const out = button("Leave this file out", { onclick: () => app.act("LeaveOut", { urls: [look.file] }) });
  const back = button("Back to the files", { kind: "quiet", onclick: () => app.go("files") });
  return h("div.zx-pad.zx-stack", {}, problemCard(look.problem, app), h("div.zx-row", {}, out, back));
}

/** The file in sight, the one before and after it, and a list to choose from. @param {App} app */
function makeFileSwitcher(app) {
  const name = h("span.zx-name");
  const open = h("button.zx-switch-name", { type: "button", "aria-haspopup": "listbox", "aria-expanded": "false", onclick: () => toggle() }, drawIcon("file"), name, drawIcon("down"));
  const previous = button("Previous file", { icon: "left", iconOnly: true, kind: "quiet", onclick: () => step(-1) });
  const next = button("Next file", { icon: "right", iconOnly: true, kind: "quiet", onclick: () => step(1) });
  let version = -1;
  let count = 0;
  const pages = new Pages(async (start, n) => (await app.ask("collection", { start, count: n })).result.rows, () => {
    list.paint();
    place();
  });
  const list = new VirtualList({
    label: "Files of the collection",
    role: "listbox",
    rowHeight: 28,
    signature: (i) => JSON.stringify([pages.row(i)?.url, pages.row(i)?.status, pages.row(i)?.url === app.view().look.file]),
    draw: (i) => {
      const row = pages.row(i);
      const state = FILE_STATES[row?.status] ?? FILE_STATES.waiting;
      return row ? [h("span.zx-state", { title: state[1], "data-state": row.status }, state[0] ? drawIcon(state[0]) : null), h("span.zx-name", { "data-open": true, title: row.url }, oneLine(row.name))] : [h("span.zx-skeleton")];
    },
    attributes: (i) => ({ "aria-selected": String(pages.row(i)?.url === app.view().look.file) }),
    textOf: (i) => pages.row(i)?.name ?? null,
    onOpen: (i) => choose(i),
    onKey: (event) => {
      if (event.key !== "Escape") return false;
      toggle(false);
      open.focus();
      return true;
    },
  });
  const popup = h("div.zx-popup", { hidden: true }, list.el);
  const el = h("div.zx-switcher", {}, previous, open, next, popup);
  el.addEventListener("focusout", (/** @type {FocusEvent} */ e) => {
    if (!(e.relatedTarget instanceof Node && el.contains(e.relatedTarget))) toggle(false);
  });
  const at = () => {
    for (let i = 0; i < Math.min(count, PAGE_ROWS * 5); i++) if (pages.row(i)?.url === app.view().look.file) return i;
    return -1;
  };
  const place = () => {
    const i = at();
    setAvailable(previous, i > 0);
    setAvailable(next, count > 0 && i !== count - 1);
  };
  /** @param {number} i */
  const choose = (i) => {
    const row = pages.row(i);
    if (!row) return;
    app.act("LookAt", { url: row.url });
    toggle(false);
    open.focus();
  };
  /** @param {number} by */
  const step = (by) => {
    const row = pages.row(at() + by);
    if (row) app.act("LookAt", { url: row.url });
  };
  /** @param {boolean} [wish] */
  const toggle = (wish = popup.hidden) => {
    if (wish === !popup.hidden) return;
    show(popup, wish);
    setAttribute(open, "aria-expanded", String(wish));
    popup.style.height = `${Math.min(280, Math.max(1, count) * 28 + 10)}px`;
    if (!wish) return;
    list.paint();
    list.go(Math.max(0, at()), { quiet: true });
    list.el.focus();
  };
  return {
    el,
    /** @param {any} view */
    update({ look, collection }) {
      setText(name, look.file ? oneLine(baseName(look.file)) : "Choose a file");
      setAttribute(open, "title", oneLine(look.file ?? ""));
      count = collection.count;
      setAvailable(open, count > 0);
      if (collection.version !== version) {
        version = collection.version;
        pages.invalidate({ keep: true });
        list.setCount(count);
        pages.row(0);
      }
      place();
    },
    close: () => list.close(),
  };
}
