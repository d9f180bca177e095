// @ts-check
// Axes with real coordinates: where a value lies, which ticks to draw, what to call them.

/**
 * @typedef {{ name?: string, long_name?: string, units?: string, kind?: string, values?: number[], labels?: string[] }} AxisData
 * @typedef {{ at: number, text: string }} Tick  `at` in cells: 0 is the middle of the first cell
 */

/** @param {number} low @param {number} high @param {number} wanted @returns {number[]} round numbers */
function niceNumbers(low, high, wanted) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const raw = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
}

/** @param {number[]} ticks @returns {string[]} all with the same number of digits */
function tickTexts(ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(ticks[0]) || 1;
  const largest = Math.max(...ticks.map(Math.abs), step);
  if (largest >= 1e6 || step < 1e-4) {
    const digits = Math.max(0, Math.min(6, Math.ceil(Math.log10(largest / step) - 1e-9)));
    return ticks.map((t) => (t === 0 ? "0" : t.toExponential(digits).replace("e+", "e").replaceAll("-", "−")));
  }
  let digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  while (digits < 6 && ticks.some((t) => Math.abs(Number(t.toFixed(digits)) - t) > step * 1e-6)) digits += 1;
  return ticks.map((t) => (Math.abs(t) < step * 1e-9 ? 0 : t).toFixed(digits).replace("-", "−"));
}

const SECOND = 1000;
const DAY = 86400 * SECOND;
/** @type {[number, string][]} steps of time axes: milliseconds and the unit that is spelled out */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => /** @type {[number, string]} */ ([n * SECOND, "second"])),
  ...[1, 2, 5, 10, 15, 30].map((n) => /** @type {[number, string]} */ ([n * 60 * SECOND, "minute"])),
  ...[1, 2, 3, 6, 12].map((n) => /** @type {[number, string]} */ ([n * 3600 * SECOND, "minute"])),
  ...[1, 2, 5, 10].map((n) => /** @type {[number, string]} */ ([n * DAY, "day"])),
];

/** @param {number} ms @param {string} unit */
function timeText(ms, unit) {
  if (!Number.isFinite(ms)) return "missing";
  const iso = new Date(ms).toISOString();
  const date = iso.slice(0, iso.indexOf("T"));
  if (unit === "year") return date.slice(0, -6);
  if (unit === "month") return date.slice(0, -3);
  if (unit === "day") return date;
  return unit === "second" ? iso.slice(11, 19) : iso.slice(11, 16);
}

/** @param {number} ms the moment in full, without what is zero */
function fullTime(ms) {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.6e15) return "missing";
  const iso = new Date(ms).toISOString();
  const clock = iso.slice(iso.indexOf("T") + 1, -1);
  return `${iso.slice(0, iso.indexOf("T"))} ${clock.endsWith("00.000") ? clock.slice(0, 5) : clock.replace(".000", "")}`;
}

/** @param {number} low @param {number} high milliseconds @param {number} wanted @returns {{ ticks: number[], texts: string[] }} */
function niceTimes(low, high, wanted) {
  const raw = (high - low) / Math.max(1, wanted);
  const fixed = TIME_STEPS.find(([step]) => step >= raw * 0.999);
  /** @type {number[]} */
  const ticks = [];
  let unit = "year";
  if (fixed && fixed[1] !== "day") {
    unit = fixed[1];
    for (let t = Math.ceil(low / fixed[0]) * fixed[0]; t <= high; t += fixed[0]) ticks.push(t);
  } else if (fixed) {
    unit = "day"; // counted from the first of each month, so that ticks do not drift
    const days = fixed[0] / DAY;
    for (let t = Math.ceil(low / DAY) * DAY; t <= high; t += DAY) {
      const day = new Date(t).getUTCDate() - 1;
      if (day % days === 0 && day + days / 2 < 31) ticks.push(t);
    }
  } else {
    const months = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12000].find((m) => m * 30.44 * DAY >= raw) ?? 24000;
    unit = months < 12 ? "month" : "year";
    const from = new Date(low);
    let month = from.getUTCFullYear() * 12 + Math.ceil(from.getUTCMonth() / months) * months;
    for (month -= month % months; ; month += months) {
      const moment = new Date(0);
      moment.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
      if (moment.getTime() > high || ticks.length > 100) break;
      if (moment.getTime() >= low) ticks.push(moment.getTime());
    }
  }
  const texts = ticks.map((t, i) => {
    const text = timeText(t, unit);
    const newDay = i === 0 || timeText(t, "day") !== timeText(ticks[i - 1], "day");
    return (unit === "minute" || unit === "second") && newDay ? `${text}\n${timeText(t, "day")}` : text;
  });
  return { ticks, texts };
}

class Axis {
  /** @param {AxisData | null | undefined} data @param {number} size number of cells along the axis */
  constructor(data, size) {
    this.size = size;
    const given = data?.values?.length === size ? data.values : null;
    this.labels = data?.labels?.length === size ? data.labels : null;
    this.values = given;
    this.time = data?.kind === "time" && Boolean(given);
    const name = data?.long_name || data?.name || "index";
    this.title = this.time ? name : withUnits(name, data?.units);
    if (!given && !this.labels) this.title = `${name} (index)`;
    this.units = this.time ? "" : (data?.units ?? "");
    this.name = data?.name || "index";
    this.even = Boolean(given && Axis.isEven(given));
    /** whether values grow with the cell number */
    this.rising = !given || size < 2 || given[size - 1] >= given[0];
  }

  /** @param {number[]} values whether cells are of one size, so that ticks may lie between them */
  static isEven(values) {
    const n = values.length;
    if (n < 2) return false;
    const step = (values[n - 1] - values[0]) / (n - 1);
    if (!(Math.abs(step) > 0) || !Number.isFinite(step)) return false;
    return values.every((v, i) => Math.abs(v - (values[0] + i * step)) <= Math.abs(step) * 0.6);
  }

  /** @param {number} cell @returns {string} the coordinate of a cell, in full */
  textOf(cell) {
    const i = Math.max(0, Math.min(this.size - 1, Math.round(cell)));
    if (this.labels) return oneLine(this.labels[i]);
    if (!this.values) return formatCount(i);
    return this.time ? fullTime(this.values[i]) : formatValue(this.values[i]);
  }

  /** @param {number} wanted how many fit @param {number} from first cell in sight @param {number} to last one @returns {Tick[]} */
  ticks(wanted, from, to) {
    if (this.even && this.values) return this.evenTicks(this.values, wanted, from, to);
    const step = Math.max(1, Math.ceil((to - from + 1) / Math.max(1, wanted)));
    const nice = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000].find((n) => n >= step) ?? step;
    const found = [];
    for (let i = Math.ceil(from); i <= to; i += nice) found.push({ at: i, text: this.textOf(i) });
    return found;
  }

  /** @param {number[]} values @param {number} wanted @param {number} from @param {number} to @returns {Tick[]} */
  evenTicks(values, wanted, from, to) {
    const last = this.size - 1;
    const slope = (values[last] - values[0]) / last;
    const ends = [values[0] + from * slope, values[0] + to * slope].sort((a, b) => a - b);
    if (this.time) {
      const { ticks, texts } = niceTimes(ends[0], ends[1], wanted);
      return ticks.map((t, i) => ({ at: (t - values[0]) / slope, text: texts[i] }));
    }
    const ticks = niceNumbers(ends[0], ends[1], wanted);
    const texts = tickTexts(ticks);
    return ticks.map((t, i) => ({ at: (t - values[0]) / slope, text: texts[i] }));
  }
}
