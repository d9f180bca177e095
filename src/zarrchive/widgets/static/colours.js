// @ts-check
// Colour scales with even steps of lightness, mixed in OKLab from a few anchors.

/** @typedef {{ label: string, anchors: string[] }} Scale */

/** @type {Record<string, Scale>} lightness grows (or grows and falls) linearly between anchors */
const SCALES = {
  sequential: { label: "Sequential", anchors: ["#2b1055", "#2f4b8f", "#1e7f8e", "#3fae76", "#a8d13b", "#fbe94d"] },
  diverging: { label: "Diverging", anchors: ["#16437e", "#5c93c4", "#efefef", "#d5836a", "#7c1d2b"] },
  grey: { label: "Grey", anchors: ["#101010", "#f4f4f4"] },
};

/** @param {string} hex @returns {[number, number, number]} OKLab */
function labOf(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const s = parseInt(hex.slice(at, at + 2), 16) / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {number[]} lab @returns {number[]} sRGB, 0 to 255 */
function rgbOf([light, a, b]) {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => {
    const v = Math.min(1, Math.max(0, c));
    return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  });
}

/** @type {Map<string, Uint8ClampedArray>} */
const TABLES = new Map();

/** @param {string} name @returns {Uint8ClampedArray} 256 colours, three bytes each */
function colourTable(name) {
  const known = TABLES.get(name);
  if (known) return known;
  const anchors = (SCALES[name] ?? SCALES.sequential).anchors.map(labOf);
  const ends = anchors.length - 1;
  const diverging = name === "diverging";
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * ends;
    const k = Math.min(ends - 1, Math.floor(at));
    const lab = anchors[k].map((v, c) => v + (at - k) * (anchors[k + 1][c] - v));
    if (!diverging) lab[0] = anchors[0][0] + (i / 255) * (anchors[ends][0] - anchors[0][0]);
    table.set(rgbOf(lab), 3 * i);
  }
  TABLES.set(name, table);
  return table;
}

/** Where a value lies between the ends of the colour range, 0 to 1.
 * @param {number} value @param {number} low @param {number} high @param {boolean} log */
function fractionOf(value, low, high, log) {
  if (high === low) return 0.5;
  if (!log) return (value - low) / (high - low);
  if (value <= 0) return 0;
  return Math.log(value / low) / Math.log(high / low);
}
