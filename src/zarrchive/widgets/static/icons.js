// @ts-check
// Line icons on a 16 px grid, drawn with the colour of the text around them.

/** @type {Record<string, string>} path data; stroked, round */
const ICONS = {
  files: "M2 4.5h4l1.5 1.5H14v7H2zM2 4.5V3h4l1.5 1.5",
  folder: "M1.8 12.8V3.2h4.4l1.6 1.9h6.4v7.7z",
  file: "M3.5 1.8h5.7l3.3 3.3v9.1h-9zM9 2v3.4h3.4",
  look: "M1.3 8S3.7 3.4 8 3.4 14.7 8 14.7 8 12.3 12.6 8 12.6 1.3 8 1.3 8zM8 9.9a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8z",
  combine: "M8 1.8 14.3 5 8 8.2 1.7 5zM2 8.2l6 3 6-3M2 11.2l6 3 6-3",
  export: "M8 10V2M5 4.8 8 1.8l3 3M2.5 9.5v4h11v-4",
  group: "M2 2.5h5v4H2zM9.5 9.5h4.5v4H9.5zM4.5 6.5v5h5",
  array: "M2 2.5h12v11H2zM2 6.2h12M2 9.8h12M6 2.5v11M10 2.5v11",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.2V2.5h-8v8h2.7",
  code: "M5.3 4.5 1.8 8l3.5 3.5M10.7 4.5 14.2 8l-3.5 3.5M9 3 7 13",
  check: "M2.8 8.4l3.4 3.4 7-7.4",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  warning: "M8 2 14.6 13.5H1.4zM8 6.3v3.4M8 11.6v.1",
  error: "M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2L1.8 10.8V5.2zM8 4.8v4M8 11v.1",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.8M8 5v.1",
  right: "M6 3.5 10.5 8 6 12.5",
  left: "M10 3.5 5.5 8l4.5 4.5",
  down: "M3.5 6 8 10.5 12.5 6",
  up: "M8 13V3M4 7l4-4 4 4",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.7 1.8v3.4h-3.4",
  trash: "M3 4.5h10M6.3 4.3V2.5h3.4v1.8M4.2 4.5l.6 9h6.4l.6-9",
  half: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12M8 5l4.8-.9M8 8h6M8 11l4.8.9",
  image: "M2 3h12v10H2zM2.3 11.5 6 7.8l2.6 2.6 2-2 3.2 3.2M10.8 6.3v.1",
  table: "M2 3h12v10H2zM2 6.3h12M6.3 6.5V13",
  chunks: "M2 2h3.4v3.4H2zM6.3 2h3.4v3.4H6.3zM10.6 2H14v3.4h-3.4zM2 6.3h3.4v3.4H2zM10.6 6.3H14v3.4h-3.4zM6.3 10.6h3.4V14H6.3z",
  play: "M4.5 2.8v10.4L13 8z",
};

/** @param {string} name @returns {SVGElement} */
function drawIcon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 16 16",
    width: "16",
    height: "16",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.3",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    class: "zx-icon",
  }))
    svg.setAttribute(key, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.info);
  svg.append(path);
  return svg;
}
