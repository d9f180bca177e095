// @ts-check
// Elements are made by calls only: whatever comes from a file is a text node, never markup.

/** Control, bidirectional, zero-width and other invisible characters that could mislead. */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** @param {any} text @returns {string} the text with invisible characters spelled out */
function visible(text) {
  return String(text).replace(
    HIDDEN,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @param {any} text @returns {string} one line: tabs and line breaks are spelled out as well */
function oneLine(text) {
  return visible(text).replace(/\n/g, "\\n").replace(/\t/g, "\\t");
}

/**
 * Make an element. Strings become text nodes; `null`, `undefined` and `false` are left out.
 *
 * @param {string} tag a tag name with optional classes: "div.zx-card.zx-wide"
 * @param {Record<string, any>} [props] attributes; `on…` functions are listeners; `title` is made safe
 * @param {...any} kids
 * @returns {HTMLElement & Record<string, any>}
 */
function h(tag, props = {}, ...kids) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  setProps(element, props);
  element.append(...nodesOf(kids));
  return element;
}

/** @param {HTMLElement} element @param {Record<string, any>} props */
function setProps(element, props) {
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else if (key === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else setAttribute(element, key, key === "title" ? oneLine(value ?? "") : value);
  }
}

/** @param {Element} element @param {string} name @param {any} value false, null: not there */
function setAttribute(element, name, value) {
  const text = value === true ? "" : String(value);
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** @param {any[]} kids @returns {(Node | string)[]} */
function nodesOf(kids) {
  return kids
    .flat(Infinity)
    .filter((kid) => kid !== null && kid !== undefined && kid !== false)
    .map((kid) => (kid instanceof Node ? kid : visible(kid)));
}

/** @param {Element} element @param {...any} kids replace the content, only when text differs */
function fill(element, ...kids) {
  element.replaceChildren(...nodesOf(kids));
}

/** @param {Element} element @param {any} text */
function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** Whether the keyboard is in this element, inside a shadow tree or not. @param {Element} element */
function hasFocus(element) {
  return /** @type {any} */ (element.getRootNode()).activeElement === element;
}

/**
 * A field that shows Python's value, and keeps what was typed until Python's value changes: views
 * that were made before Python heard of it are still on their way.
 * @param {HTMLInputElement} input
 */
function makeSynced(input) {
  let last = "";
  let awaited = false;
  return {
    /** @param {string} value what Python is told now */
    told(value) {
      awaited = value !== last;
    },
    /** @param {string} value Python's */
    show(value) {
      if (value !== last) awaited = false;
      last = value;
      if (!awaited && !hasFocus(input) && input.value !== value) input.value = value;
    },
  };
}

/** @param {HTMLElement} element @param {boolean} shown */
function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * @param {string} label
 * @param {{ icon?: string, kind?: "primary" | "quiet" | "plain", title?: string, onclick?: (e: MouseEvent) => void,
 *   iconOnly?: boolean, class?: string }} [options]
 */
function button(label, options = {}) {
  const { icon, kind = "plain", iconOnly = false, title, class: extra = "", onclick, ...props } = options;
  return h(
    `button.zx-button.zx-button-${kind}`,
    {
      type: "button",
      "aria-label": iconOnly ? label : null,
      title: title ?? (iconOnly ? label : null),
      class: `${iconOnly ? "zx-icon-only" : ""} ${extra}`,
      onclick: onclick && ((/** @type {any} */ e) => isAvailable(e.currentTarget) && onclick(e)),
      ...props,
    },
    icon ? drawIcon(icon) : null,
    iconOnly ? null : h("span.zx-label", {}, label),
  );
}

/** Let a `button` do nothing for a while and say so. It keeps the focus, which `disabled` would drop, and Tab still finds it.
 * @param {Element} element @param {boolean} available */
function setAvailable(element, available) {
  setAttribute(element, "aria-disabled", available ? null : "true");
}

/** @param {Element} element */
function isAvailable(element) {
  return element.getAttribute("aria-disabled") !== "true";
}

/** A `button` that copies text and says that it did. @param {string} label @param {() => string | Promise<string>} textOf
 * @param {{ kind?: "primary" | "quiet" | "plain", iconOnly?: boolean, announce?: (text: string) => void }} [options] */
function copyButton(label, textOf, { announce, ...options } = {}) {
  const made = button(label, {
    icon: "copy",
    ...options,
    onclick: async () => {
      const done = await copyText(await textOf(), made);
      made.replaceChild(drawIcon(done ? "check" : "warning"), /** @type {Node} */ (made.firstChild));
      announce?.(done ? "Copied." : "The browser does not allow copying; select the text instead.");
      setTimeout(() => made.replaceChild(drawIcon("copy"), /** @type {Node} */ (made.firstChild)), 1500);
    },
  });
  return made;
}

/** @param {string} text @param {Element} near where a helper field may live for a moment */
async function copyText(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea"); // no clipboard API over plain http
    field.value = text;
    field.className = "zx-offscreen";
    near.parentElement?.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    /** @type {HTMLElement} */ (near).focus();
    return done;
  }
}

/** @param {string} icon @param {string} title @param {string} text @param {...any} actions */
function emptyState(icon, title, text, ...actions) {
  return h(
    "div.zx-empty",
    {},
    h("div.zx-empty-icon", { "aria-hidden": "true" }, drawIcon(icon)),
    h("h3", {}, title),
    h("p", {}, text),
    actions.length ? h("div.zx-row", {}, ...actions) : null,
  );
}

/** @param {string} label @param {HTMLElement} control @param {string} [extra] */
function field(label, control, extra = "") {
  return h("label.zx-field", { class: extra }, h("span.zx-field-label", {}, label), control);
}

/** @param {[string, string][]} options @param {string} value @param {string} label @param {(value: string) => void} onchange */
function selectBox(options, value, label, onchange) {
  const box = h("select.zx-select", { "aria-label": label, onchange: () => onchange(box.value) });
  setOptions(box, options, value);
  return box;
}

/** @param {any} box @param {[string, string][]} options @param {string} value */
function setOptions(box, options, value) {
  const key = JSON.stringify(options);
  if (box.dataset.options !== key) {
    fill(box, options.map(([id, text]) => h("option", { value: id }, oneLine(text))));
    box.dataset.options = key;
  }
  if (box.value !== value) box.value = value;
}

/** One of few, as a row of buttons with the keyboard of a radio group.
 * @param {string} label @param {[string, string][]} options @param {(value: string) => void} onpick */
function segmented(label, options, onpick) {
  const buttons = options.map(([id, text]) =>
    h("button.zx-segment", { type: "button", role: "radio", "data-value": id, onclick: () => onpick(id) }, text),
  );
  const group = h("div.zx-segments", { role: "radiogroup", "aria-label": label }, buttons);
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const offered = buttons.filter((b) => !b.hidden);
    const at = offered.findIndex((b) => b.getAttribute("aria-checked") === "true");
    const next = offered[(at + step + offered.length) % offered.length];
    next.focus();
    next.click();
  });
  /** @param {string} value */
  const set = (value) =>
    buttons.forEach((b) => {
      setAttribute(b, "aria-checked", String(b.dataset.value === value));
      setAttribute(b, "tabindex", b.dataset.value === value ? "0" : "-1");
    });
  /** Offer a choice, or not, where it would do nothing. @param {string} value @param {boolean} offered */
  const offer = (value, offered) => buttons.forEach((b) => b.dataset.value === value && show(b, offered));
  set(options[0][0]);
  return { el: group, set, offer };
}
