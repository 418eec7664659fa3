// Line charts as SVG: a linear or logarithmic x-axis and a logarithmic y-axis.

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function raised(power) {
  return "10" + [...String(power)].map((sign) => SUPERSCRIPTS[sign]).join("");
}

function written(value, digits = 3) {
  if (value === null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  if (power >= -3 && power < 5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  return `${mantissa.replace("-", "−")} · ${raised(Number(power))}`;
}

function element(parent, name, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

function powersOfTen(low, high, most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const step = Math.max(1, Math.ceil((last - first + 1) / most));
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => first + i * step);
}

// Ticks of an axis: [value, label].
function ticksOf(axis, most) {
  if (!axis.log) {
    const step = Math.max(1, Math.ceil((axis.high - axis.low) / most));
    const count = Math.floor((axis.high - axis.low) / step) + 1;
    return Array.from({ length: count }, (_, i) => [axis.low + i * step, String(axis.low + i * step)]);
  }
  const powers = powersOfTen(axis.low, axis.high, most).map((power) => [10 ** power, raised(power)]);
  if (powers.length > 2) return powers;
  return [1, 2, 5].flatMap((digit) =>
    [-1, 0, 1, 2].map((shift) => digit * 10 ** (Math.floor(Math.log10(axis.low)) + 1 + shift)))
    .filter((value) => value >= axis.low && value <= axis.high)
    .sort((a, b) => a - b).map((value) => [value, written(value, 2)]);
}

function placer(axis, from, to) {
  const scale = axis.log ? Math.log : (value) => value;
  const [low, high] = [scale(axis.low), scale(axis.high)];
  return (value) => from + ((to - from) * (scale(value) - low)) / (high - low);
}

// lines: [{x, y, kind, dots}]; rug: values on the x-axis; now: an x that is marked.
function drawChart(svg, { x, y, lines, rug = [], now = null }) {
  const width = Math.max(svg.parentElement.clientWidth, 260);
  const height = Math.round(Math.min(Math.max(width * 0.5, 230), 400));
  const [left, right, top, bottom] = [52, width - 10, 26, height - 44];
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [placeX, placeY] = [placer(x, left, right), placer(y, bottom, top)];
  for (const [value, label] of ticksOf(y, 8)) {
    element(svg, "line", { class: "grid", x1: left, x2: right, y1: placeY(value), y2: placeY(value) });
    element(svg, "text", { x: left - 7, y: placeY(value) + 4, "text-anchor": "end" }, label);
  }
  for (const [value, label] of ticksOf(x, width < 500 ? 6 : 12)) {
    element(svg, "line", { class: "grid", x1: placeX(value), x2: placeX(value), y1: top, y2: bottom });
    element(svg, "text", { x: placeX(value), y: bottom + 17, "text-anchor": "middle" }, label);
  }
  element(svg, "text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, x.title);
  element(svg, "text", { x: left, y: 14 }, y.title);
  if (now !== null) element(svg, "line", { class: "now", x1: placeX(now), x2: placeX(now), y1: top, y2: bottom });
  // lines are cut off at the frame, dots are not
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  const inner = element(svg, "svg", { ...box, viewBox: `${left} ${top} ${box.width} ${box.height}` });
  for (const line of lines) {
    const points = line.x.map((value, i) => [value, line.y[i]]).filter(([, size]) => size !== null && size !== undefined);
    const drawn = points.map(([value, size]) => [placeX(value), placeY(Math.min(Math.max(size, y.low / 1e3), y.high * 1e3))]);
    element(inner, "polyline", { class: `line-${line.kind}`, points: drawn.map((point) => point.map((c) => c.toFixed(1)).join(",")).join(" ") });
    if (line.dots) for (const [cx, cy] of drawn) element(svg, "circle", { class: `line-${line.kind}`, cx, cy, r: 3 });
  }
  for (const value of rug) element(svg, "line", { class: "tick", x1: placeX(value), x2: placeX(value), y1: bottom - 9, y2: bottom });
  element(svg, "rect", { class: "frame", ...box });
}
