// The walk: one slider; formulas, numbers, curves and heat maps follow it.

const root = document.querySelector(".walk");
const data = JSON.parse(document.querySelector(".walk-data").textContent);
const [slider, previous, next] = [".stepper input", ".previous", ".next"].map((name) => root.querySelector(name));
const [said, alone] = [root.querySelector(".stepper output"), root.querySelector(".alone")];
const depth = Number(slider.max);
const dark = matchMedia("(prefers-color-scheme: dark)");
let layer = 0;

// Blue is positive, orange is negative, and the page's paper is zero. Steps are even in OKLab.
function colour(share) {
  const size = Math.min(Math.abs(share), 1);
  const [paper, full] = dark.matches ? [0.24, 0.84] : [0.985, 0.42];
  const [lightness, chroma] = [paper + (full - paper) * size, 0.15 * Math.sqrt(size) * (1 - 0.25 * size)];
  return `oklch(${lightness} ${chroma} ${share < 0 ? 48 : 252})`;
}

function tableOf(map, at) {
  while (map.tables[at] === null) at -= 1;
  return map.tables[at];
}

function largest(table) {
  return table.flat().reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
}

class HeatMap {
  constructor(map) {
    this.map = map;
    this.most = Math.max(...map.tables.filter(Boolean).map(largest));
    this.rows = map.tables[0].length;
    this.cell = null;
    this.build();
  }

  build() {
    const figure = document.createElement("figure");
    figure.className = this.rows > 24 ? "map wide-map" : "map";
    const when = this.map.when ? `changed by layer ${this.map.when}` : "never changed";
    figure.innerHTML = `<h3><b></b><span>${when}</span></h3><canvas tabindex="0" role="application"
      aria-roledescription="heat map"></canvas><output aria-live="off"></output>
      <details><summary>as a table</summary><div class="scroll" tabindex="0" role="region"></div></details>`;
    [this.title, this.canvas, this.output, this.details] = ["b", "canvas", "output", "details"].map((name) => figure.querySelector(name));
    this.title.textContent = this.map.name;
    figure.querySelector(".scroll").setAttribute("aria-label", `${this.map.name} as a table`);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.show(null));
    // only the map that has the focus speaks
    this.canvas.addEventListener("focus", () => this.output.setAttribute("aria-live", "polite"));
    this.canvas.addEventListener("blur", () => {
      this.output.setAttribute("aria-live", "off");
      this.show(null);
    });
    this.canvas.addEventListener("keydown", (event) => this.move(event));
    this.details.addEventListener("toggle", () => this.fill());
    this.figure = figure;
  }

  draw() {
    const table = tableOf(this.map, layer);
    const [tokens, room] = [this.map.tokens, this.figure.clientWidth - 2];
    const width = Math.min(room, tokens * 22);
    const height = Math.max(14, this.rows * Math.max(5, Math.min(width / tokens, this.rows > 24 ? 9 : 16)));
    const ratio = devicePixelRatio || 1;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const [w, h] = [this.canvas.width / tokens, this.canvas.height / this.rows];
    const most = (alone.checked ? largest(table) : this.most) || 1;
    const pen = this.canvas.getContext("2d");
    table.forEach((row, i) => row.forEach((value, j) => {
      pen.fillStyle = colour((value ?? 0) / most);
      pen.fillRect(Math.floor(j * w), Math.floor(i * h), Math.ceil(w), Math.ceil(h));
    }));
    if (this.cell) {
      const [i, j] = this.cell;
      pen.lineWidth = 2 * ratio;
      pen.strokeStyle = dark.matches ? "#fff" : "#000";
      pen.strokeRect(j * w + 1, i * h + 1, w - 2, h - 2);
    }
    const size = `${this.rows} row${this.rows > 1 ? "s" : ""} by ${tokens} tokens`;
    this.canvas.setAttribute("aria-label", `${this.map.name}, ${size}, largest size ${written(largest(table))}`);
    this.say(table, most);
    this.fill();
  }

  say(table, most) {
    const [i, j] = this.cell ?? [];
    this.output.textContent = this.cell
      ? `row ${i + 1}, token ${j + 1}${j + 1 === this.map.tokens ? " (the last)" : ""}: ${written(table[i][j], 4)}`
      : `largest size ${written(largest(table))}, colours up to ${written(most)}`;
  }

  show(cell) {
    this.cell = cell;
    this.draw();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const place = (at, count) => Math.max(0, Math.min(count - 1, Math.floor(at * count)));
    this.show([place((event.clientY - box.top) / box.height, this.rows), place((event.clientX - box.left) / box.width, this.map.tokens)]);
  }

  move(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [i, j] = this.cell ?? [0, 0];
    const within = (at, count) => Math.max(0, Math.min(count - 1, at));
    this.show(this.cell ? [within(i + step[0], this.rows), within(j + step[1], this.map.tokens)] : [0, 0]);
  }

  fill() {
    const place = this.details.querySelector(".scroll");
    if (!this.details.open) return place.replaceChildren();
    const cells = (row) => row.map((value) => `<td class="n">${written(value, 4)}</td>`).join("");
    const rows = tableOf(this.map, layer).map((row, i) => `<tr><th scope="row">${i + 1}</th>${cells(row)}</tr>`);
    const heads = Array.from({ length: this.map.tokens }, (_, j) => `<th scope="col" class="n">${j + 1}</th>`);
    place.innerHTML = `<table><thead><tr><th scope="col">row</th>${heads.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
  }
}

function drawErrors() {
  const svg = root.querySelector(".errors");
  if (!svg) return;
  const found = data.columns.flatMap((column) => column.values).filter((value) => value !== null && value > 0);
  const [low, high] = [Math.max(Math.min(...found), 1e-17), Math.max(...found)];
  const positive = (values) => values.map((value) => (value > 0 ? value : null)); // zero has no logarithm
  const lines = data.columns.map((column, i) => ({ x: column.values.map((_, at) => at), y: positive(column.values), kind: i + 1, dots: !column.other }));
  const y = { low: low / 2, high: Math.max(high, low) * 2, title: "error", log: true };
  drawChart(svg, { x: { low: 0, high: depth, title: "layers", log: false }, y, lines, now: layer });
}

function drawResiduals() {
  const curves = data.curves;
  if (!curves) return;
  const grid = curves.grid;
  const sizes = (values) => values?.map((value) => (value === null ? null : Math.abs(value)));
  const inside = (value) => value >= curves.eigenvalues[0] && value <= curves.eigenvalues.at(-1);
  const measured = curves.measured[layer];
  const references = Object.values(curves.references).map((found, i) => ({ x: grid, y: sizes(found[layer]), kind: i + 2 }));
  const law = { x: [curves.eigenvalues[0], curves.eigenvalues.at(-1)], y: [curves.law[layer], curves.law[layer]], kind: 0 };
  const own = measured ? [{ x: grid, y: sizes(measured), kind: 1 }] : [];
  const within = measured ? sizes(measured).filter((_, i) => inside(grid[i])) : [];
  const low = Math.max(Math.min(curves.law[layer], Math.max(...within, 1e-16)) / 300, 1e-17);
  const x = { low: grid[0], high: grid.at(-1), title: "λ, an eigenvalue of AᵀA", log: true };
  drawChart(root.querySelector(".residuals"), { x, y: { low, high: 3, title: "|r|, the share of w that is left", log: true }, lines: [law, ...references, ...own], rug: curves.eigenvalues });
  const worst = measured ? `Between the ticks at the ends |r| is at most ${written(Math.max(...within))}` : "There is no estimate yet";
  root.querySelector(".worst").textContent = `${worst}; 1/Tₘ is ${written(curves.law[layer])} for ${layer} layer${layer === 1 ? "" : "s"}.`;
}

const heatMaps = data.maps.map((map) => new HeatMap(map));

function draw() {
  drawErrors();
  drawResiduals();
  heatMaps.forEach((map) => map.draw());
  const bar = root.querySelector(".bar");
  const pen = bar.getContext("2d");
  for (let i = 0; i < bar.width; i += 1) {
    pen.fillStyle = colour((2 * i) / (bar.width - 1) - 1);
    pen.fillRect(i, 0, 1, bar.height);
  }
}

function go(to) {
  layer = Math.max(0, Math.min(depth, to));
  slider.value = layer;
  const words = layer ? `after layer ${layer} of ${depth}` : "the prompt";
  slider.setAttribute("aria-valuetext", words);
  said.textContent = words;
  previous.disabled = layer === 0;
  next.disabled = layer === depth;
  root.querySelectorAll(".layer").forEach((part) => part.classList.toggle("current", Number(part.dataset.layer) === layer));
  root.querySelectorAll(".estimates tbody tr").forEach((row) => {
    if (Number(row.dataset.layer) !== layer) return row.removeAttribute("aria-current");
    row.setAttribute("aria-current", "step");
    const box = row.closest(".scroll");
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  });
  draw();
}

root.querySelector(".maps").append(...heatMaps.map((map) => map.figure));
root.classList.add("live");
slider.addEventListener("input", () => go(Number(slider.value)));
previous.addEventListener("click", () => go(layer - 1));
next.addEventListener("click", () => go(layer + 1));
alone.addEventListener("change", draw);
dark.addEventListener("change", draw);
addEventListener("resize", draw);
go(Number(slider.value)); // which a browser may remember
