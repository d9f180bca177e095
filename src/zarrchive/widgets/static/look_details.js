// @ts-check
// What is known of one group or array: facts, storage, chunk map, attributes, problems.

/** @param {string} name @param {any} value @param {string} [title] @returns {HTMLElement[]} */
function fact(name, value, title) {
  return [h("dt", {}, name), h("dd", { title: title ?? null }, value)];
}

/** @param {any} node */
function arrayFacts(node) {
  return h(
    "dl.zx-facts",
    {},
    fact("Type", oneLine(node.dtype)),
    fact("Shape", node.shape.length ? node.shape.map((/** @type {number} */ n, /** @type {number} */ i) => h("span.zx-dim", {}, h("i", {}, oneLine(node.dims?.[i] ?? `dim ${i}`)), ` ${formatCount(n)}`)) : "scalar"),
    fact("Fill value", oneLine(node.fill_value ?? "none"), "What a chunk that was never written reads as"),
  );
}

/** @param {any} node */
function storageFacts(node) {
  const ratio = node.stored_bytes ? node.decoded_bytes / node.stored_bytes : null;
  const rest = [
    node.missing ? `${formatCount(node.missing)} not written` : "",
    node.inlined ? `${formatCount(node.inlined)} inlined` : "",
  ].filter(Boolean);
  return h(
    "dl.zx-facts",
    {},
    fact("Chunk shape", formatShape(node.chunks ?? [])),
    fact("Chunks", [`${formatCount(node.nchunks)}`, rest.length ? h("span.zx-faint", {}, ` (${rest.join(", ")})`) : null]),
    fact("Stored", [formatBytes(node.stored_bytes), h("span.zx-faint", {}, ` of ${formatBytes(node.decoded_bytes)} decoded`)]),
    fact("Ratio", ratio === null || !Number.isFinite(ratio) ? "–" : `${ratio.toFixed(ratio < 10 ? 2 : 0)} : 1`, "Decoded size divided by stored size"),
    fact("Codecs", (node.codecs ?? []).length ? h("ol.zx-codecs", {}, node.codecs.map((/** @type {string} */ c) => h("li", { title: c }, oneLine(c.replace(/^numcodecs\./, ""))))) : "none"),
  );
}

/** @param {any} node */
function groupFacts(node) {
  const dims = Object.entries(node.dims ?? {});
  return h(
    "dl.zx-facts",
    {},
    fact("Variables", formatCount(node.counts?.arrays ?? 0)),
    fact("Groups", formatCount(node.counts?.groups ?? 0)),
    fact("Dimensions", dims.length ? dims.map(([name, n]) => h("span.zx-dim", {}, h("i", {}, oneLine(name)), ` ${formatCount(/** @type {number} */ (n))}`)) : "none"),
  );
}

/** @param {[string, string][]} attributes */
function attributeTable(attributes) {
  if (!attributes.length) return h("p.zx-note", {}, "No attributes.");
  return h(
    "table.zx-attributes",
    {},
    h("tbody", {}, attributes.map(([name, text]) => h("tr", {}, h("th", { scope: "row", title: name }, oneLine(name)), h("td", {}, h("div.zx-attribute-text", {}, String(text)))))),
  );
}

/** @param {string} title @param {...any} kids */
function section(title, ...kids) {
  return h("section.zx-section", { "aria-label": title }, h("h3", {}, title), ...kids);
}

/** Head, quick look and facts of the selected node. @param {App} app */
function makeDetails(app) {
  const name = h("h2.zx-node-name");
  const path = h("p.zx-node-path.zx-faint");
  const pick = h("input", { type: "checkbox", onchange: () => current && app.act("PickVariables", { paths: [current.path], on: pick.checked }) });
  const pickLabel = h("label.zx-check.zx-pick", {}, pick, "Take this variable");
  const quick = new QuickLook(app);
  const map = new ChunkMap(app);
  const problems = h("div.zx-stack");
  const facts = h("div");
  const storage = h("div");
  const attributes = h("div");
  const mapSection = section("Chunk map", map.el);
  const storageSection = section("Storage", storage, mapSection);
  const side = h("div.zx-look-side", {}, section("About", facts), storageSection, section("Attributes", attributes));
  const center = h("div.zx-look-center", {}, problems, quick.el);
  const body = h("div.zx-look-body", {}, center, side);
  const message = h("div.zx-look-empty");
  const el = h("div.zx-details", {}, h("header.zx-node-head", {}, h("div.zx-node-title", {}, name, path), pickLabel), body, message);
  let serial = 0;
  /** @type {any} */
  let current = null;

  /** @param {any} node @param {string} url */
  const draw = (node, url) => {
    const array = node.kind === "array" && !node.refused;
    current = node;
    setText(name, node.path === "/" ? baseName(url) : oneLine(node.path.slice(node.path.lastIndexOf("/") + 1)));
    setAttribute(name, "title", oneLine(node.path));
    const parent = node.path.slice(0, Math.max(1, node.path.lastIndexOf("/")));
    setText(path, node.kind === "array" ? `variable in ${oneLine(parent)}` : node.path === "/" ? "the file itself" : `group in ${oneLine(parent)}`);
    show(pickLabel, array);
    pick.checked = Boolean(node.picked);
    fill(problems, problemList(node.problems ?? [], app));
    fill(facts, array ? arrayFacts(node) : node.refused ? h("p.zx-note", {}, "This variable cannot be shown or combined; the reason stands above.") : groupFacts(node));
    if (array) fill(storage, storageFacts(node));
    show(storageSection, array);
    show(quick.el, array);
    body.classList.toggle("zx-group", !array);
    fill(attributes, attributeTable(node.attributes ?? []));
    const many = array && node.nchunks > 1;
    show(mapSection, many);
    if (many) map.open(url, node.path);
    if (array) quick.open(url, node.path);
    else quick.reset();
    show(body, true);
    show(message, false);
  };
  /** @param {any} card */
  const say = (card) => {
    serial += 1; // an answer that is still on its way comes too late
    current = null;
    quick.reset();
    setText(name, "");
    setText(path, "");
    show(pickLabel, false);
    show(body, false);
    show(message, true);
    fill(message, card);
  };
  return {
    el,
    say,
    /** @param {string} url @param {string} node */
    async show(url, node) {
      const now = ++serial;
      try {
        const { result } = await app.ask("node", { url, path: node });
        if (now === serial) draw(result, url);
      } catch (error) {
        if (now === serial) say(h("div.zx-pad", {}, problemCard(problemOf(error), app)));
      }
    },
    /** @param {string} node @param {boolean} on */
    setPicked(node, on) {
      if (current?.path === node) pick.checked = on;
    },
    close() {
      quick.close();
      map.close();
    },
  };
}
