// @ts-check
// Problems: one card for one, a drawer for all.

/** @param {string} severity */
function severityIcon(severity) {
  return severity === "error" ? "error" : severity === "warning" ? "warning" : "info";
}

/**
 * @param {Problem} problem
 * @param {App} app
 * @param {{ remedies?: boolean, files?: string[] }} [options] files: all places of the same problem
 */
function problemCard(problem, app, { remedies = false, files = [] } = {}) {
  const places = files.length > 1 ? files : [problem.where].filter(Boolean);
  const place = places.length > 1 ? counted(places.length, "file") : baseName(places[0] ?? "");
  return h(
    "div.zx-problem",
    { "data-severity": problem.severity, "data-code": problem.code },
    h("span.zx-problem-icon", {}, drawIcon(severityIcon(problem.severity))),
    h(
      "div.zx-problem-body",
      {},
      place || problem.variable
        ? h(
            "p.zx-problem-place",
            { title: places.slice(0, 20).join("   ") },
            place ? h("b", {}, oneLine(place)) : null,
            places.length === 1 ? folderOf(places[0]) : null,
            problem.variable ? h("code", {}, oneLine(problem.variable)) : null,
          )
        : null,
      h("p.zx-problem-what", {}, problem.what),
      problem.hint ? h("p.zx-problem-hint", {}, problem.hint) : null,
      places.length > 1 ? fileNames(places) : null,
      remedies ? remedyButtons(problem, places, app) : null,
    ),
    h("code.zx-code-tag", { title: "Stable code of this problem" }, oneLine(problem.code)),
  );
}

/** @param {string} place @returns {HTMLElement | null} the folder that a file is in, quietly */
function folderOf(place) {
  const name = baseName(place);
  const folder = place.slice(0, place.lastIndexOf(name)).replace(/(.)\/+$/, "$1");
  return folder ? h("span.zx-faint", {}, `in ${oneLine(folder)}`) : null;
}

/** @param {string[]} places */
function fileNames(places) {
  const shown = places.slice(0, 50).map((p) => h("li", { title: p }, oneLine(baseName(p))));
  if (places.length > 50) shown.push(h("li", {}, `and ${counted(places.length - 50, "more")}`.replace(/s$/, "")));
  return h("details.zx-which", {}, h("summary", {}, `Which ${counted(places.length, "file")}`), h("ul", {}, shown));
}

/** @param {Problem} problem @param {string[]} places @param {App} app */
function remedyButtons(problem, places, app) {
  const given = problem.remedies ?? [];
  const buttons = given.map(({ label, action }) => {
    const { type, ...fields } = action;
    return button(label, { onclick: () => app.act(type, fields) });
  });
  // Of warnings, only what was not compared is better known with its values.
  const loadingHelps = problem.severity === "error" || problem.code === "combine-not-compared";
  if (!given.length && problem.variable && loadingHelps)
    buttons.push(button(`Load values of ${oneLine(problem.variable)}`, { onclick: () => app.act("SetLoad", { paths: [problem.variable], on: true }) }));
  const files = places.filter((place) => /[/\\]/.test(place)); // not the name of an argument
  if (!given.length && files.length && problem.severity === "error")
    buttons.push(
      button(files.length > 1 ? `Leave ${counted(files.length, "file")} out` : "Leave this file out", {
        onclick: () => app.act("LeaveOut", { urls: files }),
      }),
    );
  return buttons.length ? h("div.zx-row", {}, buttons) : null;
}

/** Same code, variable and words: one card with all its files. @param {Problem[]} problems */
function groupedProblems(problems) {
  /** @type {Map<string, { problem: Problem, files: string[] }>} */
  const groups = new Map();
  for (const problem of problems) {
    const key = JSON.stringify([problem.code, problem.variable, problem.what]);
    const group = groups.get(key) ?? { problem, files: [] };
    for (const file of problem.files ?? [problem.where]) if (file && !group.files.includes(file)) group.files.push(file);
    groups.set(key, group);
  }
  const rank = { error: 0, warning: 1 };
  return [...groups.values()].sort((a, b) => (rank[a.problem.severity] ?? 2) - (rank[b.problem.severity] ?? 2));
}

/** @param {Problem[]} problems @param {App} app @param {{ remedies?: boolean }} [options] */
function problemList(problems, app, options = {}) {
  return groupedProblems(problems).map(({ problem, files }) => problemCard(problem, app, { ...options, files }));
}

/** The drawer with every Problem so far. @param {App} app */
function makeProblemsDrawer(app) {
  const list = h("div.zx-stack");
  const filter = selectBox([["all", "All"], ["error", "Errors only"], ["warning", "Warnings only"]], "all", "Which problems", () => draw());
  const drawer = makeDrawer(app, "problems", "Problems", "warning", [filter], list);
  /** @type {Problem[]} */
  let rows = [];
  let version = "";
  const draw = () => {
    const chosen = rows.filter((p) => filter.value === "all" || p.severity === filter.value);
    if (!chosen.length) {
      const none = rows.length ? "None of this kind." : "Files that cannot be read, variables that cannot be referenced and files that do not fit together will be listed here.";
      fill(list, emptyState("check", "Nothing to report", none));
    } else fill(list, problemList(chosen.slice(0, 500), app));
  };
  const load = async () => {
    try {
      rows = (await app.ask("problems", { start: 0, count: 1000 })).result.rows;
    } catch (error) {
      rows = [problemOf(error)];
    }
    draw();
  };
  return {
    ...drawer,
    /** @param {any} view */
    update(view) {
      const now = `${view.problems.version}:${view.problems.count}:${drawer.isOpen()}`;
      if (now === version) return;
      version = now;
      if (drawer.isOpen()) load();
    },
  };
}
