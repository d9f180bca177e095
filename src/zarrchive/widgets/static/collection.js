// @ts-check
// The collection: the files that were ticked, wherever they are.

/** @type {Record<string, [string, string]>} what the states of a file look like: icon and words */
const FILE_STATES = {
  waiting: ["", "not read yet"],
  scanning: ["refresh", "being read"],
  ok: ["check", "read"],
  problems: ["warning", "read, with problems"],
  failed: ["error", "could not be read"],
};

/** @param {App} app */
function makeCollectionPanel(app) {
  const count = h("strong.zx-big");
  const total = h("span.zx-faint.zx-num");
  const formats = h("div.zx-row.zx-wrap.zx-tight");
  const clear = button("Clear", { icon: "trash", kind: "quiet", onclick: () => app.act("ClearCollection") });
  let version = -1;
  const pages = new Pages(async (start, n) => (await app.ask("collection", { start, count: n })).result.rows, () => list.paint());
  const list = new VirtualList({
    label: "Files of the collection",
    role: "listbox",
    rowHeight: 28,
    signature: (i) => JSON.stringify([pages.row(i)?.url, pages.row(i)?.status]),
    draw: (i) => drawCollectionRow(pages.row(i), app),
    textOf: (i) => pages.row(i)?.name ?? null,
    onOpen: (i) => look(pages.row(i)),
    onKey: (event, i) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return false;
      const row = pages.row(i);
      if (row) app.act("Tick", { urls: [row.url], on: false });
      return true;
    },
  });
  /** @param {any} row */
  const look = (row) => {
    if (!row) return;
    app.act("LookAt", { url: row.url });
    app.go("look");
  };
  const next = button("Look inside", { kind: "plain", icon: "look", onclick: () => app.go("look") });
  const combine = button("Combine", { kind: "primary", icon: "combine", onclick: () => app.go("combine") });
  const hint = emptyState("files", "No files ticked", "Tick files on the left: Space ticks, Shift extends, “Tick all” takes everything that matches.");
  const sum = h("div.zx-collection-sum", {}, h("div.zx-row", {}, count, total), formats);
  const body = h("div.zx-collection-body", {}, list.el);
  const el = h(
    "section.zx-collection",
    { "aria-label": "Collection" },
    h("header.zx-panel-head", {}, h("h2", {}, "Collection"), h("span.zx-spacer"), clear),
    sum,
    body,
    hint,
    h("footer.zx-collection-foot", {}, next, combine),
  );
  return {
    el,
    /** @param {any} view */
    update({ collection: c }) {
      setText(count, c.count ? counted(c.count, "file") : "No files ticked");
      setText(total, c.count ? formatBytes(c.size) : "");
      fillOnce(formats, JSON.stringify([c.formats, c.failed]), () => [
        ...Object.entries(c.formats).map(([name, n]) => h("span.zx-badge", {}, `${oneLine(name)} ${formatCount(/** @type {number} */ (n))}`)),
        c.failed ? h("span.zx-badge.zx-badge-error", {}, `${formatCount(c.failed)} failed`) : null,
      ]);
      show(hint, c.count === 0);
      el.toggleAttribute("data-empty", c.count === 0);
      show(body, c.count > 0);
      show(clear, c.count > 0);
      setAvailable(clear, c.count > 0);
      setAvailable(combine, c.count > 0);
      setAvailable(next, c.count > 0 || Boolean(app.view().look.file));
      if (c.version !== version) {
        version = c.version;
        pages.invalidate({ keep: true });
        list.setCount(c.count);
      }
    },
    close: () => list.close(),
  };
}

/** @param {any} row @param {App} app @returns {any[]} */
function drawCollectionRow(row, app) {
  if (!row) return [h("span.zx-skeleton")];
  const [icon, words] = FILE_STATES[row.status] ?? FILE_STATES.waiting;
  return [
    h("span.zx-state", { title: row.problem?.what ?? words, "data-state": row.status, role: "img", "aria-label": words }, icon ? drawIcon(icon) : null),
    h("span.zx-name", { title: row.url, "data-open": true }, oneLine(row.name)),
    h("span.zx-num.zx-faint", {}, formatBytes(row.size)),
    h(
      "button.zx-row-button",
      { type: "button", tabindex: "-1", title: "Leave this file out", "aria-label": `Leave ${oneLine(row.name)} out`, onclick: () => app.act("Tick", { urls: [row.url], on: false }) },
      drawIcon("close"),
    ),
  ];
}
