// A model with made-up data behind the same messages as the real session: enough to see every state.
// makeFakeModel({files: 400, evil: true, failing: [...]}) returns what anywidget would hand to render().

function makeFakeModel(options = {}) {
  const listeners = new Map();
  const traits = { theme: options.theme ?? "auto", height: options.height ?? "100vh", view: null };
  const emit = (name, ...args) => (listeners.get(name) ?? []).forEach((f) => f(...args));
  const model = {
    sent: [],
    lost: false, // whether pushed views get lost on the way
    get: (name) => traits[name],
    set: (name, value) => {
      traits[name] = value;
      emit(`change:${name}`);
    },
    save_changes: () => {},
    on: (name, f) => listeners.set(name, [...(listeners.get(name) ?? []), f]),
    off: (name, f) => listeners.set(name, (listeners.get(name) ?? []).filter((g) => g !== f)),
    send: (message) => {
      model.sent.push(message);
      if (message.op === "ask") queueMicrotask(() => answer(message));
      else backend.act(message);
    },
  };
  const backend = makeFakeBackend(options, (view) => model.lost || model.set("view", view));
  const answer = async ({ what, args, rid }) => {
    try {
      if (options.delay) await new Promise((r) => setTimeout(r, options.delay));
      const { result, buffers = [] } = backend.ask(what, args);
      emit("msg:custom", { rid, result }, buffers.map((b) => new DataView(b.buffer)));
    } catch (problem) {
      emit("msg:custom", { rid, problem: problem.code ? problem : { severity: "error", code: "fake", where: "", what: String(problem), hint: "" } }, []);
    }
  };
  model.backend = backend;
  traits.view = backend.view();
  return model;
}

const EVIL = ['<img src=x onerror="window.pwned=1">.nc', "a\u202egnp.cn.nc", "line\nbreak\ttab.nc", `${"very_long_name_".repeat(16)}.nc`];
const MONTHS = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];

function makeFakeFiles(options) {
  const rows = [
    { name: "archive", kind: "folder", size: null, modified: null, format: null },
    { name: "quicklooks", kind: "folder", size: null, modified: null, format: null },
  ];
  if (options.evil) EVIL.forEach((name, i) => rows.push({ name, kind: "file", size: 1000 * i, modified: 1.7e9, format: "netCDF4" }));
  for (let i = 0; i < (options.files ?? 48); i++)
    rows.push({
      name: `${["air_temperature", "precipitation", "radar_T_PAZA63", "ocean_surface"][i % 4]}_${2020 + Math.floor(i / 48)}${MONTHS[Math.floor(i / 4) % 12]}${i > 575 ? `_${i}` : ""}.nc`,
      kind: "file",
      size: 3.2e6 + ((i * 7919) % 900) * 11113,
      modified: 1.69e9 + i * 86400,
      format: i % 4 === 2 ? "HDF5" : "netCDF4",
      problem: i === 9 ? { severity: "warning", code: "truncated", what: "The file ends early.", hint: "", where: "" } : null,
    });
  return rows.map((row) => ({ problem: null, ...row, url: `/data/era/${row.name}` }));
}

const FAKE_TREE = {
  "/": [
    { path: "/time", name: "time", kind: "array", dims: ["time"], shape: [31], dtype: "datetime" },
    { path: "/lat", name: "lat", kind: "array", dims: ["lat"], shape: [91], dtype: "float32" },
    { path: "/lon", name: "lon", kind: "array", dims: ["lon"], shape: [180], dtype: "float32" },
    { path: "/t2m", name: "t2m", kind: "array", dims: ["time", "lat", "lon"], shape: [31, 91, 180], dtype: "float32" },
    { path: "/pr", name: "pr", kind: "array", dims: ["time", "lat", "lon"], shape: [31, 91, 180], dtype: "int16", problems: 1 },
    { path: "/station_name", name: "station_name", kind: "array", dims: ["station"], shape: [12], dtype: "string" },
    { path: "/huge", name: "huge", kind: "array", dims: ["time", "level", "lat", "lon"], shape: [31, 137, 181, 360], dtype: "float32" },
    { path: "/diagnostics", name: "diagnostics", kind: "group", children: 3 },
    { path: "/sweep_0", name: "sweep_0", kind: "group", children: 2 },
  ],
  "/diagnostics": [
    { path: "/diagnostics/mean", name: "mean", kind: "array", dims: ["time"], shape: [31], dtype: "float64" },
    { path: '/diagnostics/<b>bold</b>', name: "<b>bold</b>", kind: "array", dims: ["time"], shape: [31], dtype: "float64" },
    { path: "/diagnostics/deep", name: "deep", kind: "group", children: 1 },
  ],
  "/diagnostics/deep": [{ path: "/diagnostics/deep/flag", name: "flag", kind: "array", dims: ["time"], shape: [31], dtype: "uint8" }],
  "/sweep_0": [
    { path: "/sweep_0/DBZH", name: "DBZH", kind: "array", dims: ["azimuth", "range"], shape: [360, 500], dtype: "float32" },
    { path: "/sweep_0/range", name: "range", kind: "array", dims: ["range"], shape: [500], dtype: "float32" },
  ],
};

function makeFakeBackend(options, push) {
  const all = makeFakeFiles(options);
  let rows = all;
  const ticked = new Set();
  const picked = new Set(["/t2m", "/pr"]);
  const load = new Set(["/time", "/lat", "/lon"]);
  const problem = (more) => ({ severity: "error", code: "concat-chunks", where: "/data/era/precipitation_202002.nc", variable: "/pr", what: "chunks are (31, 46, 90) in precipitation_202001.nc but (29, 91, 180) here, along time", hint: "load the values of pr, or leave the file out", ...more });
  const misfits = [
    problem({}),
    problem({ where: "/data/era/precipitation_202003.nc" }),
    problem({ severity: "warning", code: "attribute-differs", variable: "/t2m", what: "units are “K” in air_temperature_202001.nc but “degC” here", hint: "check the values before joining" }),
  ];
  const state = {
    step: "files",
    location: { url: "/data/era", crumbs: [{ label: "/", url: "/" }, { label: "data", url: "/data" }, { label: "era", url: "/data/era" }], recent: ["/data/era", "/home/me"], status: "ready", problem: null },
    listing: { version: 1, total: all.length, shown: all.length, files: all.length, filter: "", sort: "name", descending: false },
    look: { file: null, node: null, version: 1, status: "idle", problem: null, problems: 0 },
    combine: { version: 1, status: "idle", how: "auto", dim: "time", dims: ["time", "lat", "lon"], order: "coordinate", repair: false, can_repair: true, can_split: true, result: null, problems: [] },
    export: {
      format: "kerchunk-json", zarr_format: 2, path: "/data/era/combined.json", status: "idle", report: null, problem: null,
      formats: [
        { id: "kerchunk-json", label: "Kerchunk JSON", says: "One readable file. Opened by xarray with fsspec, kerchunk and VirtualiZarr. Best below a few 100 000 references.", problems: [], size: 184000 },
        { id: "kerchunk-parquet", label: "Kerchunk Parquet", says: "A folder of compressed tables, read piece by piece. For millions of references. Needs fsspec with pyarrow or fastparquet.", problems: [{ severity: "warning", code: "parquet-inline", where: "", variable: "/station_name", what: "12 strings are stored inline", hint: "nothing to do; they are small" }], size: 61000 },
        { id: "icechunk", label: "Icechunk", says: "A repository in a folder, which keeps versions; its layout is that of Zarr v3. Read by Icechunk with xarray and zarr.", problems: [], size: 68000 },
      ],
    },
    tasks: [],
    problems: { count: 3, errors: 2, version: 1 },
    versions: { collection: 1 },
  };
  const view = () => {
    const files = all.filter((r) => ticked.has(r.url));
    const formats = {};
    for (const r of files) formats[r.format] = (formats[r.format] ?? 0) + 1;
    const n = files.length;
    return structuredClone({
      ...state,
      collection: { version: state.versions.collection, count: n, size: files.reduce((s, r) => s + r.size, 0), formats, scanned: n, failed: 0 },
      combine: { ...state.combine, status: n ? (state.combine.status === "idle" ? "ready" : state.combine.status) : "idle", files: n, ...(options.planless && n && state.combine.status === "idle" ? { status: "failed" } : {}), nvariables: options.planless ? 0 : 7, npicked: options.planless ? 0 : picked.size, problems: n > 1 ? misfits : [], sentence: options.planless ? "" : n > 1 ? `Join ${n} files along time (ordered by its values), 2 variables, 744 times from 2020-01-01 to 2020-12-31.` : "One file: its variables as one dataset." },
      script: `import zarrchive\n\n# the files that were ticked\nfiles = [\n${files.slice(0, 40).map((r) => `    ${JSON.stringify(r.url)},`).join("\n")}\n]\nds = zarrchive.open_virtual_mfdataset(files, combine="by_coords")\nds = ds[["pr", "t2m"]]\nds.virtual.to_kerchunk("/data/era/combined.json", format="json")\n`,
    });
  };
  const later = (ms, change) => setTimeout(() => (change(), push(view())), ms);
  const changed = () => {
    state.versions.collection += 1;
    state.combine.version += 1;
  };
  const resort = () => {
    const { filter, sort, descending } = state.listing;
    const glob = /[*?]/.test(filter) ? new RegExp(`^${filter.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".")}$`, "i") : null;
    rows = all.filter((r) => (glob ? glob.test(r.name) : r.name.toLowerCase().includes(filter.toLowerCase())));
    const sign = descending ? -1 : 1;
    rows.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === "folder" ? -1 : 1) || sign * (a[sort] > b[sort] ? 1 : a[sort] < b[sort] ? -1 : 0));
    Object.assign(state.listing, { shown: rows.length, files: rows.filter((r) => r.kind !== "folder").length, version: state.listing.version + 1 });
  };
  const actions = {
    GoTo: ({ step }) => (state.step = step),
    OpenLocation: ({ url }) => {
      state.location.url = url;
      if (url.includes("nowhere")) Object.assign(state.location, { status: "failed", problem: { severity: "error", code: "location-not-found", where: url, what: "There is no file or folder of this name.", hint: "Check the spelling, or open the folder above." } });
      else Object.assign(state.location, { status: "ready", problem: null });
    },
    FilterListing: ({ text }) => ((state.listing.filter = text), resort()),
    SortListing: ({ key, descending }) => (Object.assign(state.listing, { sort: key, descending }), resort()),
    Tick: ({ urls, on }) => (urls.forEach((u) => (on ? ticked.add(u) : ticked.delete(u))), changed()),
    TickAll: ({ on }) => (rows.filter((r) => r.kind === "file").forEach((r) => (on ? ticked.add(r.url) : ticked.delete(r.url))), changed()),
    ClearCollection: () => (ticked.clear(), changed()),
    LeaveOut: ({ urls }) => (urls.forEach((u) => ticked.delete(u)), (misfits.length = 1), changed()),
    LookAt: ({ url }) => {
      if (url.includes("202002")) Object.assign(state.look, { file: url, status: "failed", problem: { severity: "error", code: "hdf5-truncated", where: url, what: "The superblock says 41 233 920 bytes, the file has 1 048 576.", hint: "Copy the file again; it was cut off on the way." } });
      else Object.assign(state.look, { file: url, node: "/t2m", status: "ready", problem: null, version: state.look.version + 1 });
    },
    SelectNode: ({ path }) => (state.look.node = path),
    PickVariables: ({ paths, on }) => (paths.forEach((p) => (on ? picked.add(p) : picked.delete(p))), (state.combine.version += 1)),
    SetLoad: ({ paths, on }) => (paths.forEach((p) => (on ? load.add(p) : load.delete(p))), (state.combine.version += 1)),
    ChooseCombine: ({ op, type, ...chosen }) => Object.assign(state.combine, chosen),
    Combine: () => {
      const task = { id: "t1", label: "Combining", done: 0, total: 40, status: "running", eta: 12 };
      state.tasks = [task];
      state.combine.status = "running";
      if (options.stuck) return Object.assign(task, { done: 13 });
      later(30, () => {
        Object.assign(task, { done: 40, status: "done", eta: 0 });
        state.combine.status = "done";
        state.combine.version += 1;
        state.combine.result = { kind: "dataset", html: options.html ?? "<div><b>xarray.Dataset</b><pre>Dimensions: (time: 744, lat: 91, lon: 180)</pre></div>", text: "<xarray.Dataset>\nDimensions:  (time: 744, lat: 91, lon: 180)\nData variables:\n  t2m\n  pr", nrefs: 2976, nvariables: 2, dims: { time: 744, lat: 91, lon: 180 } };
      });
    },
    ChooseExport: ({ format, path, zarr_format }) => Object.assign(state.export, { format, path: path || state.export.path, zarr_format }),
    Export: () => {
      if (state.export.path.startsWith("/root")) Object.assign(state.export, { status: "failed", problem: { severity: "error", code: "write-denied", where: state.export.path, what: "The folder /root cannot be written to.", hint: "Choose a folder of your own." } });
      else Object.assign(state.export, { status: "done", problem: null, report: { path: state.export.path, size: 184213, nrefs: 2976, ninlined: 4, seconds: 0.21, how_to_open: 'import xarray as xr\n\nds = xr.open_dataset("/data/era/combined.json", engine="kerchunk")' } });
    },
    Cancel: ({ task }) => state.tasks.forEach((t) => t.id === task && (t.status = "cancelled")) ?? (state.combine.status = "ready"),
    ClearTasks: () => (state.tasks = []),
    Refresh: () => {},
  };
  return {
    view,
    state,
    act: (message) => {
      actions[message.type](message);
      push(view());
    },
    ask: (what, args) => what === "view" ? { result: view() } : fakeAnswers(what, args, { state, rows: () => rows, all, ticked, picked, load, misfits }),
  };
}

function fakeAnswers(what, args, { state, rows, all, ticked, picked, load, misfits }) {
  const page = (list) => list.slice(args.start, args.start + args.count);
  const nodes = (list) => list.map((n) => ({ children: 0, problems: 0, ...n, picked: picked.has(n.path) }));
  const every = Object.values(FAKE_TREE).flat();
  const answers = {
    files: () => ({ version: state.listing.version, rows: page(rows()).map((r) => ({ ...r, ticked: ticked.has(r.url) })) }),
    collection: () => ({ rows: page(all.filter((r) => ticked.has(r.url))).map((r, i) => ({ ...r, status: ["ok", "ok", "problems", "scanning", "waiting", "failed"][i % 6] })) }),
    tree: () => ({ nodes: nodes(FAKE_TREE[args.path] ?? []) }),
    search_tree: () => ({ nodes: nodes(every.filter((n) => n.path.toLowerCase().includes(args.text.toLowerCase()))) }),
    problems: () => ({ rows: misfits }),
    variables: () => ({ version: 1, rows: page(every.filter((n) => n.kind === "array" && !n.path.includes("/diag") && !n.path.includes("sweep"))).map((n) => ({ path: n.path, name: n.name, dims: n.dims, dtype: [n.dtype], chunks: n.name === "pr" ? ["31, 46, 90", "29, 91, 180"] : [n.shape.join(", ")], present: n.name === "pr" ? 11 : ticked.size, total: ticked.size, picked: picked.has(n.path), load: load.has(n.path), problems: n.problems ?? 0 })) }),
    preview_cost: () => ({ bytes: args.path === "/huge" ? 4.1e8 : 65520, chunks: args.path === "/huge" ? 311 : 1 }),
  };
  if (answers[what]) return { result: answers[what]() };
  if (what === "node") return { result: fakeNode(args.path, every, picked) };
  if (what === "chunk_map") return fakeChunkMap(every.find((n) => n.path === args.path));
  if (what === "preview") return fakePreview(args, every.find((n) => n.path === args.path));
  throw new Error(`unknown question ${what}`);
}

function fakeNode(path, every, picked) {
  const node = every.find((n) => n.path === path);
  if (!node || node.kind === "group")
    return { kind: "group", path, dims: path === "/" ? { time: 31, lat: 91, lon: 180 } : {}, attributes: [["title", "ERA-like sample"], ["history", "2020-01-01 created\n2020-02-01 <i>cut</i>"]], counts: { arrays: (FAKE_TREE[path] ?? []).length, groups: 2 }, problems: [] };
  const cells = node.shape.reduce((a, b) => a * b, 1);
  return {
    ...node, picked: picked.has(path), chunks: node.shape.map((n, i) => (i === 0 && node.shape.length > 1 ? 1 : n > 90 ? Math.ceil(n / 2) : n)), nchunks: node.shape.length > 1 ? 62 : 1, stored_chunks: 58, missing: node.shape.length > 1 ? 3 : 0, inlined: 1,
    stored_bytes: Math.round(cells * 1.37), decoded_bytes: cells * 4, codecs: ["bytes(little)", "shuffle(4)", "zlib(4)"], fill_value: "9.96921e+36",
    attributes: [["long_name", "2 metre temperature"], ["units", "K"], ["standard_name", "air_temperature"], ["cell_methods", "time: mean"], ["comment", "A longer attribute that goes on for a while, as they do, to see how lines break in the side panel."]],
    problems: path === "/pr" ? [{ severity: "warning", code: "hdf5-scale-count", where: "/data/era/x.nc", variable: "/pr", what: "dimension 0 has 2 scales: time, valid_time", hint: "the first one is used" }] : [], files: [],
  };
}

function fakeChunkMap(node) {
  const wide = node.shape.length > 2 ? 2 : 1;
  const kinds = new Uint8Array(31 * wide).map((_, i) => (i % 29 === 7 ? 0 : i === 3 ? 1 : 2));
  const sizes = new Float32Array(31 * wide).map((_, i) => 9000 + 4000 * Math.sin(i / 5));
  return { result: { grid: [wide === 1 ? 1 : 31, wide === 1 ? 31 : wide], dims: node.dims, chunks_per_cell: 1 }, buffers: [kinds, sizes] };
}

function fakePreview(args, node) {
  const day = 86400e3;
  const t0 = Date.UTC(2020, 0, 1);
  const axes = {
    time: (n) => ({ name: "time", kind: "time", values: Array.from({ length: n }, (_, i) => t0 + i * day) }),
    lat: (n) => ({ name: "lat", long_name: "latitude", units: "degrees_north", kind: "number", values: Array.from({ length: n }, (_, i) => 90 - 2 * i) }),
    lon: (n) => ({ name: "lon", long_name: "longitude", units: "degrees_east", kind: "number", values: Array.from({ length: n }, (_, i) => 2 * i) }),
    range: (n) => ({ name: "range", units: "m", kind: "number", values: Array.from({ length: n }, (_, i) => 250 * i) }),
  };
  const axis = (dim, n) => axes[dim]?.(n) ?? { name: dim, kind: "index" };
  const dims = node.dims.map((name, i) => ({ name, size: node.shape[i] }));
  const size = Object.fromEntries(dims.map((d) => [d.name, d.size]));
  const base = { dtype: node.dtype, dims, name: node.name, long_name: "2 metre temperature", units: "K", bytes: 65520, requests: 1, text: "", sliders: [] };
  if (node.dtype === "string") return { result: { ...base, kind: "text", text: '"Wien", "<b>Graz</b>", "Linz", "Salzburg"', x_dim: null, y_dim: null } };
  const x = args.x ?? node.dims.at(-1);
  const y = node.dims.length > 1 && (args.x === null || args.y !== null) ? (args.y ?? node.dims.at(-2)) : null;
  const sliders = dims.filter((d) => d.name !== x && d.name !== y).map((d) => ({ dim: d.name, size: d.size, index: args.index[d.name] ?? 0, label: d.name === "time" ? new Date(t0 + (args.index.time ?? 0) * day).toISOString().slice(0, 10) : String(args.index[d.name] ?? 0) }));
  const [nx, ny] = [size[x], y ? size[y] : 1];
  const shift = (args.index.time ?? 0) / 5;
  const values = new Float32Array(nx * ny).map((_, i) => {
    const [r, c] = [Math.floor(i / nx), i % nx];
    if (y && Math.hypot(r - 60, c - 40) < 9) return NaN;
    return y ? 303 - 60 * Math.abs(r / ny - 0.5) ** 1.4 * 2 + 7 * Math.sin(c / 14 + shift) * Math.cos(r / 9) : 285 + 8 * Math.sin(c / 5) + 2 * Math.sin(c * 1.7);
  });
  const finite = [...values].filter((v) => !Number.isNaN(v));
  return {
    result: { ...base, kind: y ? "image" : "line", shape: y ? [ny, nx] : [nx], min: Math.min(...finite), max: Math.max(...finite), missing: values.length - finite.length, x: axis(x, nx), y: y ? axis(y, ny) : null, x_dim: x, y_dim: y, sliders },
    buffers: [values],
  };
}
