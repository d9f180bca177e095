// @ts-check
// The page: head with the four steps, the step in sight, drawers, tasks; and the way in for the hosts.

/**
 * @typedef {{ view: () => any, act: Transport["act"], ask: Transport["ask"], go: (step: string) => void,
 *   announce: (text: string) => void, closeDrawers: () => void, redraw: () => void, isDark: () => boolean,
 *   openScript: (from: HTMLElement) => void }} App
 */

/** @type {[string, string, (app: App) => any][]} id, name and maker of each step */
const STEPS = [
  ["files", "Files", makeFilesStep],
  ["look", "Look", makeLookStep],
  ["combine", "Combine", makeCombineStep],
  ["export", "Export", makeExportStep],
];

/** @param {any} model @returns {boolean} whether the page around is dark, or the theme that was asked for */
function darkWanted(model) {
  const theme = model.get("theme");
  if (theme === "dark" || theme === "light") return theme === "dark";
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Tabs of the steps. @param {string} id @param {(step: string) => void} go */
function makeTabs(id, go) {
  const tabs = STEPS.map(([step, text], i) =>
    h(
      "button.zx-tab",
      { type: "button", role: "tab", id: `${id}-tab-${step}`, "aria-controls": `${id}-panel-${step}`, "data-step": step, onclick: () => go(step) },
      h("span.zx-tab-number", { "aria-hidden": "true" }, String(i + 1)),
      h("span", {}, text),
      h("span.zx-tab-note.zx-num"),
    ),
  );
  const el = h("div.zx-tabs", { role: "tablist", "aria-label": "Steps" }, tabs);
  el.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => {
    const at = tabs.findIndex((t) => t.getAttribute("aria-selected") === "true");
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    next.focus();
    go(/** @type {string} */ (next.dataset.step));
  });
  return {
    el,
    /** @param {string} step @param {any} view */
    update(step, { collection, combine, export: out }) {
      const notes = { files: collection.count ? formatCount(collection.count) : "", look: "", combine: combine.result ? "✓" : "", export: out.status === "done" ? "✓" : "" };
      for (const tab of tabs) {
        const here = tab.dataset.step === step;
        setAttribute(tab, "aria-selected", String(here));
        setAttribute(tab, "tabindex", here ? "0" : "-1");
        setText(/** @type {Element} */ (tab.lastElementChild), notes[/** @type {keyof typeof notes} */ (tab.dataset.step)] ?? "");
      }
    },
  };
}

/** Seconds between questions for the view, after an action and while something is going on: a push may get lost. */
const LOOK_AGAIN_SECONDS = 2;

/** @param {any} view @returns {boolean} whether a further view is to come */
function awaitsMore(view) {
  const busy = ["loading", "scanning", "running"];
  const parts = [view.location, view.look, view.combine, view.export, ...view.tasks];
  return parts.some((part) => busy.includes(part.status));
}

/**
 * The newest view: the one that Python pushed, or the answer to a question for it.
 * @param {any} model
 * @param {Transport} transport
 * @param {() => void} changed
 */
function makeViews(model, transport, changed) {
  let latest = model.get("view");
  let asking = false;
  let acted = false;
  /** @param {any} view */
  const take = (view) => {
    if (!view?.step || (view.serial ?? 0) < (latest?.serial ?? 0)) return;
    latest = view;
    changed();
  };
  const question = () => {
    if (asking) return;
    asking = true;
    acted = false;
    transport.ask("view").then(({ result }) => take(result), () => {}).finally(() => (asking = false));
  };
  const clock = setInterval(() => latest?.step && (acted || awaitsMore(latest)) && question(), LOOK_AGAIN_SECONDS * 1000);
  const pushed = () => take(model.get("view"));
  model.on("change:view", pushed);
  return {
    get: () => latest,
    question,
    /** @type {Transport["act"]} */
    act(type, fields) {
      acted = true;
      transport.act(type, fields);
    },
    close() {
      clearInterval(clock);
      model.off("change:view", pushed);
    },
  };
}

/**
 * Keep the keyboard in the page: where an update hides what has the focus, bare letters would go
 * to the notebook, in which they are commands.
 * @param {HTMLElement} root
 * @param {() => void} change
 */
function keepingFocus(root, change) {
  const scope = /** @type {Document | ShadowRoot} */ (root.getRootNode());
  const before = scope.activeElement;
  const held = before !== null && root.contains(before);
  change();
  if (!held) return;
  const now = scope.activeElement;
  const lost = now === null || !root.contains(now) || (now !== root && now.getClientRects().length === 0);
  if (lost) root.focus({ preventScroll: true });
  if (lost) root.dataset.lostFocus = "true";
  if (scope.activeElement !== root || root.dataset.lostFocus === undefined) return;
  const lists = [...root.querySelectorAll('.zx-panel:not([hidden]) :is([role="grid"], [role="tree"])')];
  const back = lists.find((list) => list.getClientRects().length > 0);
  if (!(back instanceof HTMLElement)) return;
  delete root.dataset.lostFocus;
  back.focus({ preventScroll: true });
}

/** @param {{ model: any, el: HTMLElement, view?: any }} host */
function render({ model, el, view: hostView }) {
  const transport = connect(model, hostView);
  const views = makeViews(model, transport, () => update());
  const id = `zx-${Math.random().toString(36).slice(2)}`;
  const live = h("div.zx-offscreen", { role: "status", "aria-live": "polite" });
  const panels = h("main.zx-main");
  const banner = h("div.zx-banner", { role: "alert", hidden: true }, drawIcon("warning"), "Python does not answer. It may be busy, or its kernel is gone: then run the cell again, or reload the page.");
  /** @type {string} */
  let step = "files";
  let drawn = false;

  /** @type {App} */
  const app = {
    view: views.get,
    act: views.act,
    ask: transport.ask,
    go: (wish) => {
      if (wish === step) return;
      views.act("GoTo", { step: wish });
      showStep(wish);
    },
    announce: (text) => setText(live, text),
    closeDrawers: () => drawers.forEach((d) => d.isOpen() && show(d.el, false)),
    redraw: () => update(),
    isDark: () => darkWanted(model),
    openScript: (from) => script.toggle(true, from),
  };
  const tabs = makeTabs(id, app.go);
  const steps = STEPS.map(([name, , make]) => {
    const made = make(app);
    const panel = h("section.zx-panel", { role: "tabpanel", id: `${id}-panel-${name}`, "aria-labelledby": `${id}-tab-${name}`, hidden: true }, made.el);
    panels.append(panel);
    return { name, panel, ...made };
  });
  const problems = makeProblemsDrawer(app);
  const script = makeScriptDrawer(app);
  const drawers = [problems, script];
  const tasks = makeTasksBar(app);
  const problemsButton = button("Problems", { icon: "warning", kind: "quiet", class: "zx-head-button zx-problems-button", onclick: () => problems.toggle(undefined, problemsButton) });
  const problemsCount = h("span.zx-count.zx-num");
  problemsButton.append(problemsCount);
  const scriptButton = button("Copy as Python", { icon: "code", kind: "quiet", class: "zx-head-button", onclick: () => script.toggle(undefined, scriptButton) });
  const themeButton = button("Change between light and dark", {
    icon: "half",
    iconOnly: true,
    kind: "quiet",
    onclick: () => {
      model.set("theme", darkWanted(model) ? "light" : "dark");
      model.save_changes();
      applyTheme();
    },
  });
  const root = h(
    "div.zx",
    { tabindex: "-1", "data-lm-suppress-shortcuts": "true", "data-host": transport.host },
    h("header.zx-head", {}, h("span.zx-brand", { "aria-hidden": "true" }, drawIcon("chunks"), h("span", {}, "Zarrchive")), tabs.el, h("span.zx-spacer"), problemsButton, scriptButton, themeButton),
    banner,
    h("div.zx-stage", {}, panels, problems.el, script.el),
    tasks.el,
    live,
  );
  // Notebooks take bare letters as commands (D D deletes the cell): those keys end here.
  root.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => {
    if (e.key !== "Tab" && !(e.ctrlKey || e.metaKey || e.altKey)) e.stopPropagation();
  });

  /** @param {string} wish */
  const showStep = (wish) => {
    const moved = step !== wish;
    step = wish;
    for (const s of steps) show(s.panel, s.name === step);
    tabs.update(step, app.view());
    if (moved && drawn) app.announce(`Step ${STEPS.findIndex(([name]) => name === step) + 1}: ${STEPS.find(([name]) => name === step)?.[1]}`);
    update();
  };
  const applyTheme = () => {
    root.dataset.theme = darkWanted(model) ? "dark" : "light";
    const lab = document.body.dataset.jpThemeLight;
    // The colours of JupyterLab are taken while they are of the theme that is shown.
    root.toggleAttribute("data-lab", lab !== undefined && (lab === "false") === darkWanted(model));
    root.style.setProperty("--zx-height", model.get("page_height") || model.get("height") || "640px");
    if (drawn) update();
    for (const canvas of root.querySelectorAll(".zx-plot, .zx-chunk-map")) canvas.dispatchEvent(new Event("zx-theme"));
  };
  let pythonStep = "";
  let ticks = "";
  const update = () => keepingFocus(root, draw);
  const draw = () => {
    const view = app.view();
    if (!view?.step) return;
    if (view.step !== pythonStep) {
      pythonStep = view.step;
      if (view.step !== step || !drawn) {
        drawn = true;
        return showStep(view.step);
      }
    }
    tabs.update(step, view);
    steps.find((s) => s.name === step)?.update({ ...view, theme: root.dataset.theme });
    const now = `${view.collection.version}:${view.collection.count}`;
    if (ticks && ticks !== now) steps[0].refreshTicks();
    ticks = now;
    problems.update(view);
    script.update(view);
    tasks.update(view);
    setText(problemsCount, view.problems.count ? formatCount(view.problems.count) : "");
    setAttribute(problemsButton, "aria-label", view.problems.count ? `Problems: ${view.problems.count}` : "Problems");
    setAttribute(problemsButton, "data-severity", view.problems.errors ? "error" : view.problems.count ? "warning" : null);
    root.dataset.ready = "true";
  };

  transport.onSilence((silent) => show(banner, silent));
  const watcher = new MutationObserver(applyTheme);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", applyTheme);
  model.on("change:theme", applyTheme);
  el.append(root);
  applyTheme();
  update();
  views.question(); // what changed while the page was on its way
  return () => {
    views.close();
    model.off("change:theme", applyTheme);
    scheme.removeEventListener("change", applyTheme);
    watcher.disconnect();
    for (const s of steps) s.close();
    transport.close();
    root.remove();
  };
}

export default { render };
