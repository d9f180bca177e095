// @ts-check
// One front end, two hosts: an anywidget model (notebooks) or Panel's adapter (stand-alone).

/**
 * @typedef {{ severity: string, code: string, where: string, variable?: string | null, what: string,
 *   hint: string, files?: string[], remedies?: { label: string, action: Record<string, any> }[] }} Problem
 * @typedef {{ result: any, buffers: ArrayBuffer[] }} Answer
 * @typedef {{ act: (type: string, fields?: object) => void,
 *   ask: (what: string, args?: object) => Promise<Answer>,
 *   host: string, onSilence: (listener: (silent: boolean) => void) => void, close: () => void }} Transport
 */

/** Seconds without any word from Python, while a question is open, before the page says so. */
const SILENCE_SECONDS = 25;

/** Seconds after which a question that costs little is asked once more: a message may get lost. */
const AGAIN_SECONDS = 8;

/** An answer that is a Problem: what to show instead of the result. */
class AskError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.what);
    this.problem = problem;
  }
}

/** @param {any} error @returns {Problem} the Problem to show for whatever was thrown */
function problemOf(error) {
  if (error instanceof AskError) return error.problem;
  return {
    severity: "error",
    code: "page",
    where: "",
    what: String(error?.message ?? error),
    hint: "Try again; if it stays, reload the page.",
  };
}

/** @param {any} bytes a view, a buffer or anything with one; copied so that it is aligned */
function toArrayBuffer(bytes) {
  if (bytes instanceof ArrayBuffer) return bytes;
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/**
 * @param {any} model
 * @param {any} view Panel hands its view to the module; anywidget does not
 * @returns {Transport}
 */
function connect(model, view) {
  const panel = !model.send && Boolean(view?.model_proxy ?? view?.model);
  /** @type {Map<string, { resolve: (a: Answer) => void, reject: (e: Error) => void }>} */
  const open = new Map();
  const prefix = Math.random().toString(36).slice(2); // several views share one model
  let serial = 0;
  let heard = Date.now();
  /** @type {(silent: boolean) => void} */
  let silence = () => {};

  /** @param {any} event @param {any} [attached] */
  const receive = (event, attached) => {
    heard = Date.now();
    silence(false);
    const message = panel && event?.data !== undefined ? event.data : event;
    const waiting = open.get(message?.rid);
    if (!waiting) return;
    open.delete(message.rid);
    if (message.problem) waiting.reject(new AskError(message.problem));
    else {
      const buffers = (panel ? message.__buffers__ : attached) ?? [];
      waiting.resolve({ result: message.result, buffers: buffers.map(toArrayBuffer) });
    }
  };
  const heardView = () => {
    heard = Date.now();
    silence(false);
  };
  /** @param {object} message */
  const send = (message) => {
    if (panel) view.model_proxy.send_msg(message);
    else model.send(message);
  };
  const clock = setInterval(() => {
    if (open.size && Date.now() - heard > SILENCE_SECONDS * 1000) silence(true);
  }, 2000);

  model.on("msg:custom", receive);
  model.on("change:view", heardView);
  return {
    host: panel ? "page" : "notebook",
    act: (type, fields = {}) => send({ op: "act", type, ...fields }),
    ask: (what, args = {}) =>
      new Promise((resolve, reject) => {
        const rid = `${prefix}:${++serial}`;
        if (open.size === 0) heard = Date.now();
        open.set(rid, { resolve, reject });
        send({ op: "ask", what, args, rid });
        if (what === "preview") return; // reads data, and may well take its time
        setTimeout(() => open.has(rid) && send({ op: "ask", what, args, rid }), AGAIN_SECONDS * 1000);
      }),
    onSilence: (listener) => {
      silence = listener;
    },
    close: () => {
      clearInterval(clock);
      open.clear();
      model.off("msg:custom", receive);
      model.off("change:view", heardView);
    },
  };
}
