// @ts-check
// What a plot needs to know about its values: range, ticks, thinning, fitting text.

/** @param {Float32Array} values @returns {{ low: number, high: number, positive: number }} finite range and smallest positive value */
function rangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  let positive = Infinity;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
    if (v > 0 && v < positive) positive = v;
  }
  return { low, high, positive };
}

/** The middle 96 % of the values, so that a few extremes do not wash the picture out. @param {Float32Array} values */
function middleRange(values) {
  const step = Math.max(1, Math.floor(values.length / 20000));
  const some = [];
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) some.push(values[i]);
  some.sort((a, b) => a - b);
  if (!some.length) return { low: 0, high: 1 };
  return { low: some[Math.floor(some.length * 0.02)], high: some[Math.ceil(some.length * 0.98) - 1] };
}

/** Ticks of the values (colour bar, or the y axis of a line). @param {Picture} p @param {number} wanted @returns {Tick[]} */
function valueTicks(p, wanted) {
  if (!p.log) {
    const ticks = niceNumbers(p.low, p.high, wanted);
    const texts = tickTexts(ticks);
    return ticks.map((at, i) => ({ at, text: texts[i] }));
  }
  const from = Math.floor(Math.log10(p.low));
  const to = Math.ceil(Math.log10(p.high));
  const found = [];
  const parts = to - from <= 2 ? [1, 2, 5] : [1];
  const skip = Math.max(1, Math.ceil((to - from) / wanted));
  for (let power = from; power <= to; power += skip)
    for (const part of parts) {
      const at = part * 10 ** power;
      if (at >= p.low * 0.999 && at <= p.high * 1.001) found.push({ at, text: formatValue(at) });
    }
  return found;
}

/** Room above and below a curve, with round ends. @param {number} low @param {number} high */
function padded(low, high) {
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1;
    return { low: low - room, high: high + room };
  }
  const room = (high - low) * 0.05;
  return { low: low - room, high: high + room };
}

/** Points of a curve; at most the lowest and highest of each of `columns` parts. @param {Float32Array} values @param {number} columns @returns {[number, number][]} */
function thinned(values, columns) {
  const n = values.length;
  if (n <= columns * 4) return Array.from(values, (value, cell) => /** @type {[number, number]} */ ([cell, value]));
  /** @type {[number, number][]} */
  const points = [];
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * n) / columns);
    const to = Math.floor(((column + 1) * n) / columns);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      if (values[i] < values[low] || Number.isNaN(values[low])) low = i;
      if (values[i] > values[high] || Number.isNaN(values[high])) high = i;
    }
    const ends = low < high ? [low, high] : [high, low];
    points.push([ends[0], values[ends[0]]], [ends[1], values[ends[1]]]);
  }
  return points;
}

/** @param {any} c a canvas context @param {string} text @param {number} width pixels @returns {string} text, elided if too long */
function fitText(c, text, width) {
  const shown = visible(text);
  if (c.measureText(shown).width <= width) return shown;
  let keep = shown.length;
  while (keep > 1 && c.measureText(`${shown.slice(0, keep)}…`).width > width) keep = Math.floor(keep * 0.9);
  return `${shown.slice(0, keep)}…`;
}
