// @ts-check
// Step 1: browse a place, tick files, gather them in the collection.

/** @type {[string, string][]} columns of the listing that can be sorted by */
const FILE_COLUMNS = [["name", "Name"], ["size", "Size"], ["modified", "Modified"], ["format", "Format"]];

/** @param {App} app */
function makeFilesStep(app) {
  const place = makeLocationBar(app);
  const collection = makeCollectionPanel(app);
  const filter = h("input.zx-input.zx-grow", {
    type: "search",
    placeholder: "Filter: text or *.nc",
    "aria-label": "Filter files by text or pattern",
    oninput: () => later(),
    // At once, though after the focus has moved: what comes next may be about what matches.
    onblur: () => timer && queueMicrotask(tell),
    onkeydown: (/** @type {KeyboardEvent} */ e) => {
      if (e.key === "ArrowDown" || e.key === "Enter") {
        list.el.focus();
        e.preventDefault();
      } else if (e.key === "Escape") {
        filter.value = "";
        later();
      }
    },
  });
  let timer = 0;
  const synced = makeSynced(filter);
  const tell = () => {
    clearTimeout(timer);
    timer = 0;
    app.act("FilterListing", { text: filter.value });
  };
  const later = () => {
    clearTimeout(timer);
    synced.told(filter.value);
    timer = window.setTimeout(tell, 150);
  };
  const header = makeSortHeader(app);
  let version = -1;
  let order = "";
  const startOver = () => {
    pending.clear();
    list.anchor = null;
    if (list.el.scrollTop) list.el.scrollTop = 0;
    list.go(0, { quiet: true });
  };
  /** @type {Map<string, boolean>} ticks that Python has not confirmed yet */
  const pending = new Map();
  const pages = new Pages(async (start, count) => {
    const { result } = await app.ask("files", { start, count });
    for (const row of result.rows) if (pending.get(row.url) === row.ticked) pending.delete(row.url);
    return result.rows;
  }, () => list.paint());
  const tickedOf = (/** @type {any} */ row) => pending.get(row.url) ?? row.ticked;
  const list = new VirtualList({
    label: "Files",
    role: "grid",
    multi: true,
    rowHeight: 32,
    header: header.el,
    signature: (i) => {
      const row = pages.row(i);
      return row ? `${row.url}|${row.size}|${row.modified}|${row.format}|${tickedOf(row)}|${row.problem?.code}` : "";
    },
    draw: (i) => drawFileRow(pages.row(i), tickedOf),
    attributes: (i) => {
      const row = pages.row(i);
      return { "aria-selected": row?.kind === "file" ? String(tickedOf(row)) : null, "data-kind": row?.kind };
    },
    textOf: (i) => pages.row(i)?.name ?? null,
    onOpen: (i) => openRow(pages.row(i)),
    onTick: (i, { range }) => tickRows(i, range),
    onKey: (event) => {
      if (event.key === "Backspace") return goUp();
      if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
        app.act("TickAll", { on: true });
        return true;
      }
      return false;
    },
    onType: (letter) => {
      if (letter !== "/") filter.value += letter;
      filter.focus();
      if (letter !== "/") later();
    },
  });
  /** @param {any} row */
  const openRow = (row) => {
    if (!row) return;
    if (row.kind === "folder") app.act("OpenLocation", { url: row.url });
    else {
      app.act("LookAt", { url: row.url });
      app.go("look");
    }
  };
  const goUp = () => {
    const crumbs = app.view().location.crumbs;
    if (crumbs.length > 1) app.act("OpenLocation", { url: crumbs[crumbs.length - 2].url });
    return true;
  };
  /** @param {number} index @param {number[] | null} range */
  const tickRows = async (index, range) => {
    const row = pages.row(index);
    if (!row || row.kind === "folder") return;
    const on = !tickedOf(row);
    let urls = [row.url];
    if (range) {
      const { result } = await app.ask("files", { start: range[0], count: range[1] - range[0] + 1 });
      urls = result.rows.filter((/** @type {any} */ r) => r.kind === "file").map((/** @type {any} */ r) => r.url);
    }
    const set = range ? true : on;
    if (urls.length < 5000) for (const url of urls) pending.set(url, set);
    list.paint();
    app.act("Tick", { urls, on: set });
  };
  const count = h("span.zx-faint.zx-num.zx-listing-count");
  const tickAll = button("Tick all", { icon: "check", onclick: () => app.act("TickAll", { on: true }) });
  const refresh = button("Refresh the listing", { icon: "refresh", iconOnly: true, kind: "quiet", onclick: () => app.act("Refresh") });
  const message = h("div.zx-list-message");
  const listing = h("div.zx-listing", {}, list.el, message);
  const el = h(
    "div.zx-files",
    {},
    h("div.zx-files-main", {}, place.el, h("div.zx-toolbar", {}, drawIcon("search"), filter, count, tickAll, refresh), listing),
    collection.el,
  );

  return {
    el,
    focus: () => list.el.focus(),
    /** @param {any} view */
    update(view) {
      place.update(view);
      collection.update(view);
      header.update(view);
      const { listing: l, location: at } = view;
      synced.show(l.filter);
      if (l.version !== version) {
        version = l.version;
        const now = JSON.stringify([at.url, l.filter, l.sort, l.descending, l.shown]);
        const same = now === order; // then only more is known of the same rows
        order = now;
        pages.invalidate({ keep: same });
        list.setCount(l.shown);
        if (!same) startOver();
      }
      const filtered = l.shown !== l.total;
      setText(count, filtered ? `${formatCount(l.shown)} of ${formatCount(l.total)}` : counted(l.total, "entry", "entries"));
      setText(/** @type {Element} */ (tickAll.querySelector(".zx-label")), l.filter ? `Tick all ${formatCount(l.files)} matches` : "Tick all");
      setAvailable(tickAll, l.files > 0);
      const loading = at.status === "loading";
      listing.classList.toggle("zx-busy", loading);
      fillOnce(message, messageOf(view), () => listingMessage(view, app));
      show(list.el, l.shown > 0 && at.status !== "failed");
      show(message, !(l.shown > 0 && at.status !== "failed"));
    },
    /** Ticks changed in Python: ask again for what is in sight. */
    refreshTicks() {
      pages.invalidate({ keep: true });
    },
    close() {
      list.close();
      collection.close();
    },
  };
}

/** @param {any} view @returns {string} which message stands in place of the rows */
function messageOf({ location: at, listing: l }) {
  return JSON.stringify([at.status, at.problem, at.url, l.total === 0, l.shown === 0, l.filter]);
}

/** @param {any} view @param {App} app */
function listingMessage(view, app) {
  const { location: at, listing: l } = view;
  if (at.status === "failed" && at.problem) return h("div.zx-pad", {}, problemCard(at.problem, app));
  if (at.status === "loading") return emptyState("refresh", "Listing…", at.url);
  if (!at.url) return emptyState("folder", "Where are the files?", "Type a folder, a file or a URL above and press Enter.");
  if (l.total === 0) return emptyState("folder", "This folder is empty", "Go up with the path above, or open another place.");
  const clear = button("Clear the filter", { onclick: () => app.act("FilterListing", { text: "" }) });
  if (l.shown === 0) return emptyState("search", `Nothing matches “${l.filter}”`, "Text finds names that contain it; * and ? stand for any characters.", clear);
  return null;
}

/** @param {any} row @param {(row: any) => boolean} tickedOf @returns {any[]} */
function drawFileRow(row, tickedOf) {
  if (!row) return [h("span.zx-cell"), h("span.zx-cell.zx-skeleton", { role: "gridcell" })];
  const folder = row.kind === "folder";
  const format = folder ? "folder" : (row.format ?? "");
  return [
    h("span.zx-cell.zx-tick-cell", { role: "gridcell", "data-tick": !folder }, folder ? null : tickMark(tickedOf(row))),
    h(
      "span.zx-cell.zx-name-cell",
      { role: "gridcell", title: row.name, "data-tick": !folder },
      drawIcon(folder ? "folder" : "file"),
      h("span.zx-name", { "data-open": true }, oneLine(row.name)),
      row.problem ? h("span.zx-warn", { title: row.problem.what }, drawIcon(severityIcon(row.problem.severity))) : null,
    ),
    h("span.zx-cell.zx-num", { role: "gridcell", "data-tick": !folder }, folder ? "" : formatBytes(row.size)),
    h("span.zx-cell.zx-num.zx-faint.zx-col-modified", { role: "gridcell", "data-tick": !folder }, folder ? "" : formatModified(row.modified)),
    h("span.zx-cell.zx-col-format", { role: "gridcell", "data-tick": !folder }, format && !folder ? h("span.zx-badge", { title: format }, oneLine(format)) : null),
  ];
}

/** @param {boolean | "mixed"} on */
function tickMark(on) {
  return h("span.zx-tick", { "data-on": String(on), "aria-hidden": "true" }, on === true ? drawIcon("check") : null);
}

/** @param {App} app */
function makeSortHeader(app) {
  const buttons = FILE_COLUMNS.map(([key, text]) => {
    const arrow = h("span.zx-sort-arrow", { "aria-hidden": "true" });
    const act = () => {
      const { sort, descending } = app.view().listing;
      app.act("SortListing", { key, descending: sort === key ? !descending : key === "size" || key === "modified" });
    };
    const control = h("button.zx-sort", { type: "button", onclick: act }, text, arrow);
    return { key, arrow, cell: h("span.zx-cell", { role: "columnheader", class: `zx-col-${key}${key === "size" || key === "modified" ? " zx-num" : ""}` }, control) };
  });
  const el = h("div.zx-vhead", { role: "row" }, h("span.zx-cell", { role: "columnheader", "aria-label": "Ticked" }), buttons.map((b) => b.cell));
  return {
    el,
    /** @param {any} view */
    update({ listing: l }) {
      for (const { key, arrow, cell } of buttons) {
        const here = l.sort === key;
        setAttribute(cell, "aria-sort", here ? (l.descending ? "descending" : "ascending") : "none");
        setText(arrow, here ? (l.descending ? "↓" : "↑") : "");
      }
    },
  };
}

/** Path or URL with Enter, the way up as crumbs, recent places. @param {App} app */
function makeLocationBar(app) {
  const open = () => input.value.trim() && app.act("OpenLocation", { url: input.value.trim() });
  const recent = h("datalist", { id: `zx-recent-${Math.random().toString(36).slice(2)}` });
  const input = h("input.zx-input.zx-mono.zx-grow", {
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    list: recent.id,
    "aria-label": "Folder, file or URL",
    placeholder: "Folder, file or URL",
    onkeydown: (/** @type {KeyboardEvent} */ e) => {
      if (e.key === "Enter") open();
    },
  });
  const crumbs = h("nav.zx-crumbs", { "aria-label": "Where this is" });
  const el = h("div.zx-location", {}, h("div.zx-row", {}, input, button("Open", { onclick: open })), crumbs, recent);
  let shown = "";
  return {
    el,
    /** @param {any} view */
    update({ location: at }) {
      const now = JSON.stringify([at.url, at.crumbs, at.recent]);
      if (now === shown) return;
      const moved = !shown || JSON.parse(shown)[0] !== at.url;
      shown = now;
      if (moved) input.value = at.url;
      fill(
        crumbs,
        at.crumbs.map((/** @type {any} */ crumb, /** @type {number} */ i) => [
          i && at.crumbs[i - 1].label !== "/" ? h("span.zx-crumb-gap", { "aria-hidden": "true" }, "/") : null,
          h(
            "button.zx-crumb",
            { type: "button", title: crumb.url, "aria-current": i === at.crumbs.length - 1 ? "location" : null, onclick: () => app.act("OpenLocation", { url: crumb.url }) },
            oneLine(crumb.label),
          ),
        ]),
      );
      crumbs.scrollLeft = crumbs.scrollWidth;
      fill(recent, at.recent.map((/** @type {string} */ url) => h("option", { value: url })));
    },
  };
}

/** Replace the content only when its key changes. @param {HTMLElement} el @param {string} key @param {() => any} make */
function fillOnce(el, key, make) {
  if (el.dataset.key === key) return;
  el.dataset.key = key;
  fill(el, make());
}
