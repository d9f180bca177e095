// @ts-check
// Drawers slide over the right edge: problems, and the session as Python.

/**
 * @param {App} app @param {string} id @param {string} title @param {string} icon
 * @param {any[]} tools shown in its head @param {HTMLElement} body
 */
function makeDrawer(app, id, title, icon, tools, body) {
  const close = button(`Close ${title.toLowerCase()}`, { icon: "close", iconOnly: true, kind: "quiet", onclick: () => toggle(false) });
  const el = h(
    "aside.zx-drawer",
    {
      "aria-label": title,
      "data-drawer": id,
      hidden: true,
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        if (e.key === "Escape") toggle(false);
      },
    },
    h("header.zx-drawer-head", {}, drawIcon(icon), h("h2", {}, title), h("span.zx-spacer"), ...tools, close),
    h("div.zx-drawer-body", {}, body),
  );
  /** @type {HTMLElement | null} */
  let cameFrom = null;
  /** @param {boolean} [open] @param {HTMLElement} [from] */
  const toggle = (open = el.hidden, from) => {
    if (open === !el.hidden) return;
    cameFrom = from ?? cameFrom;
    if (open) app.closeDrawers();
    show(el, open);
    app.redraw();
    if (open) close.focus();
    else cameFrom?.focus();
  };
  return { el, toggle, isOpen: () => !el.hidden };
}

/** The session as a script, to read, to copy, to run every night. @param {App} app */
function makeScriptDrawer(app) {
  const code = h("pre.zx-script", { tabindex: "0", "aria-label": "The session as a Python script" });
  const copy = copyButton("Copy", () => wholeScript(app), { kind: "primary", announce: app.announce });
  const body = h("div.zx-stack", {}, h("p.zx-note", {}, "What you did here, as Python. It runs as it is and gives the same dataset."), code);
  const drawer = makeDrawer(app, "script", "Copy as Python", "code", [copy], body);
  let shown = "";
  return {
    ...drawer,
    /** @param {any} view */
    update(view) {
      if (!drawer.isOpen() || shown === view.script) return;
      shown = view.script;
      fill(code, paintPython(view.script));
    },
  };
}

/** The script in full; the view carries a shortened one when there are very many files. @param {App} app */
async function wholeScript(app) {
  const { script, script_complete: complete } = app.view();
  return complete === false ? (await app.ask("script")).result.script : script;
}

const PYTHON_WORDS = /^(?:import|from|as|def|return|for|in|if|else|with|lambda|None|True|False|not|and|or|print)$/;

/** Quiet colours for strings, comments and words of the language; text nodes only.
 * @param {string} source @returns {(string | HTMLElement)[]} */
function paintPython(source) {
  const parts = source.match(/#[^\n]*|"""[\s\S]*?"""|(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\w+|[^\w"'#]+|["']/g) ?? [];
  return parts.map((part) => {
    if (part.startsWith("#")) return h("span.zx-py-comment", {}, part);
    if (part[0] === '"' || part[0] === "'") return h("span.zx-py-string", {}, part);
    return PYTHON_WORDS.test(part) ? h("span.zx-py-word", {}, part) : part;
  });
}

/** Code with a copy button. @param {App} app @param {string} label */
function makeCodeBlock(app, label) {
  const code = h("pre.zx-script", { tabindex: "0", "aria-label": label });
  let source = "";
  const el = h("div.zx-code-block", {}, code, copyButton("Copy", () => source, { announce: app.announce }));
  return {
    el,
    /** @param {string} text */
    set(text) {
      if (text === source) return;
      source = text;
      fill(code, paintPython(text));
    },
  };
}

/** What runs now and what ran last, at the bottom edge. @param {App} app */
function makeTasksBar(app) {
  const list = h("div.zx-tasks");
  const quiet = h("span.zx-faint", {}, "Nothing is running.");
  const el = h("footer.zx-status", { "aria-label": "Background tasks" }, quiet, list);
  /** @type {Map<string, { row: HTMLElement, bar: any, text: HTMLElement, name: HTMLElement, cancel: HTMLElement, icon: HTMLElement, status: string }>} */
  const rows = new Map();
  /** @param {any} task */
  const make = (task) => {
    const bar = h("progress.zx-progress", { "aria-label": oneLine(task.label) });
    const text = h("span.zx-num.zx-faint.zx-task-text");
    const name = h("span.zx-task-name", { title: task.label });
    const icon = h("span.zx-task-icon");
    const cancel = button("Cancel", { kind: "quiet", onclick: () => app.act("Cancel", { task: task.id }) });
    const made = { row: h("div.zx-task", {}, icon, name, bar, text, cancel), bar, text, name, cancel, icon, status: "" };
    list.append(made.row);
    rows.set(task.id, made);
    return made;
  };
  /** @param {any} task */
  const draw = (task) => {
    const made = rows.get(task.id) ?? make(task);
    const running = task.status === "running";
    setText(made.name, oneLine(task.label));
    if (task.total) {
      made.bar.max = task.total;
      made.bar.value = task.done;
    } else if (running) made.bar.removeAttribute("value");
    show(made.bar, running);
    show(made.cancel, running);
    show(made.icon, !running);
    const count = task.total ? `${formatCount(task.done)} of ${formatCount(task.total)}` : task.done ? formatCount(task.done) : "";
    const words = { running: formatDuration(task.eta), cancelled: "cancelled", done: "done", failed: "failed" };
    setText(made.text, [count, words[task.status]].filter(Boolean).join(" · "));
    if (made.status !== task.status) {
      made.row.dataset.status = task.status;
      if (!running) fill(made.icon, drawIcon(task.status === "done" ? "check" : task.status === "failed" ? "error" : "close"));
      if (!running && made.status === "running") app.announce(`${task.label}: ${words[task.status]}`);
      if (running) app.announce(`${task.label}: started`);
      made.status = task.status;
    }
  };
  return {
    el,
    /** @param {any} view */
    update(view) {
      const running = view.tasks.filter((/** @type {any} */ t) => t.status === "running");
      const shown = running.length ? running.slice(-3) : view.tasks.slice(-1);
      const ids = new Set(shown.map((/** @type {any} */ t) => t.id));
      for (const [id, { row }] of rows)
        if (!ids.has(id)) {
          row.remove();
          rows.delete(id);
        }
      shown.forEach(draw);
      show(quiet, shown.length === 0);
    },
  };
}
