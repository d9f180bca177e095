// @ts-check
// Numbers, sizes and dates as people read them.

/** @param {number | null | undefined} bytes */
function formatBytes(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}\u202f${units[unit]}`;
}

/** @param {number | null | undefined} count with thin spaces between thousands */
function formatCount(count) {
  if (count === null || count === undefined) return "–";
  if (count >= 1e15) return count.toExponential(2);
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** @param {number} count @param {string} one @param {string} [many] */
function counted(count, one, many = `${one}s`) {
  return `${formatCount(count)}\u00a0${count === 1 ? one : many}`;
}

/** @param {number | null | undefined} seconds since 1970 @returns {string} local time, sortable */
function formatModified(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const d = new Date(seconds * 1000);
  /** @param {number} n */
  const two = (n) => String(n).padStart(2, "0");
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** @param {number} value a value of the data, in as few digits as tell it apart */
function formatValue(value) {
  if (Number.isNaN(value)) return "missing";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace("-", "−").replace("e-", "e−");
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** @param {number[]} shape */
function formatShape(shape) {
  return shape.length ? shape.map((n) => formatCount(n)).join("\u202f×\u202f") : "scalar";
}

/** @param {number | null | undefined} seconds */
function formatDuration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 1) return "under 1\u00a0s left";
  if (seconds < 90) return `about ${Math.ceil(seconds)}\u00a0s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)}\u00a0min left`;
  return `about ${(seconds / 3600).toFixed(1)}\u00a0h left`;
}

/** @param {string} url the last part of a path or URL */
function baseName(url) {
  const trimmed = url.replace(/[/\\]+$/, "");
  return trimmed.slice(Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\")) + 1) || url;
}

/** @param {string} name "units" reads better as "K" than as nothing @param {string | null | undefined} units */
function withUnits(name, units) {
  return units && units !== "1" ? `${name} (${units})` : name;
}
