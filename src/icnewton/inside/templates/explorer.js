// The exact laws on [l, u] = [1/κ, 1]: residuals r(λ) with r(0) = 1 of methods in L layers.

const root = document.currentScript.closest(".icn-explorer");
const find = (name) => root.querySelector(name);
const [kappaSlider, layersSlider] = [find(".kappa"), find(".layers")];
const SHOWN = 700; // points of a curve
const REACH = 30; // by how much a slider moves a scalar from the triangle's, up or down
const STARTS = 16; // of the search for scalars
const UPPER = 1;

// ---- residual polynomials

function gdpp(lambda, { gammas, etas }) {
  let left = 1;
  gammas.forEach((gamma, layer) => {
    left *= 1 - gamma * lambda;
    if (layer < etas.length) lambda *= (1 - etas[layer] * lambda) ** 2;
  });
  return left;
}

function triangle(layers) {
  const values = Array.from({ length: layers }, (_, layer) => ((4 / 3) * 9 ** layer) / UPPER);
  return { gammas: values, etas: values.slice(0, -1) };
}

// From the half start α = 1/(u² + l²), as the paper takes it.
function newton(lambda, order, steps, lower) {
  return (1 - (lambda * lambda) / (UPPER ** 2 + lower ** 2)) ** (order ** steps);
}

// X_0 makes the scaled T_2, and a step of order 3 the scaled T_3 of that.
function chebyshev(lambda, steps, lower) {
  const [total, length] = [lower + UPPER, UPPER - lower];
  const denominator = 2 * total ** 2 - length ** 2;
  let r = 1 - (lambda * (8 * total - 8 * lambda)) / denominator;
  let delta = length ** 2 / denominator;
  for (let step = 0; step < steps; step += 1) {
    const scale = 4 / (4 - 3 * delta ** 2);
    r = (1 - scale) * r + scale * r ** 3;
    delta = delta ** 3 / (4 - 3 * delta ** 2);
  }
  return r;
}

function descent(lambda, steps, lower) {
  return (1 - (2 * lambda) / (UPPER + lower)) ** steps;
}

const degree = (layers) => (3 ** layers - 1) / 2;

// 1/T_m at the point of [l, u] that belongs to 0.
function boundary(layers, lower) {
  if (lower === UPPER) return 0;
  const exponent = degree(layers) * Math.acosh((UPPER + lower) / (UPPER - lower));
  return exponent < 700 ? 1 / Math.cosh(exponent) : 0;
}

// Points of [l, u]: even on a logarithmic scale, and those of Chebyshev.
function gridOf(lower) {
  if (lower === UPPER) return [UPPER];
  const spaced = Array.from({ length: SHOWN }, (_, i) => lower * (UPPER / lower) ** (i / (SHOWN - 1)));
  const nodes = Array.from({ length: SHOWN }, (_, i) => (UPPER + lower) / 2 + ((UPPER - lower) / 2) * Math.cos((i * Math.PI) / (SHOWN - 1)));
  return [...spaced, ...nodes].map((value) => Math.min(Math.max(value, lower), UPPER)).sort((a, b) => a - b);
}

// Methods: [title, degree, r or null where it does not fit], in the order of their lines.
function methodsOf(lower, layers, steps, scalars) {
  const after = (count, r) => (count < 0 ? null : r);
  return [
    ["boundary 1/Tₘ", degree(layers), null],
    ["GD++", degree(layers), (lambda) => gdpp(lambda, scalars)],
    ["Chebyshev, order 3", 2 * 3 ** steps, after(steps, (lambda) => chebyshev(lambda, steps, lower))],
    ["Newton, order 2", 2 * 2 ** steps, after(steps, (lambda) => newton(lambda, 2, steps, lower))],
    ["Newton, order 3", 2 * 3 ** steps, after(steps, (lambda) => newton(lambda, 3, steps, lower))],
    ["gradient descent", layers, (lambda) => descent(lambda, layers, lower)],
  ];
}

// ---- scalars with a small worst error

// log of the p-norm of r over points, and its gradient in the logarithms of the scalars.
function objective(logarithms, points, power) {
  const count = logarithms.length;
  const layers = (count + 1) / 2;
  const values = logarithms.map(Math.exp);
  const sizes = new Float64Array(points.length); // log |r|
  const slopes = new Float64Array(points.length * count);
  const moved = new Float64Array(count); // of log λ at a layer
  points.forEach((point, row) => {
    let lambda = point;
    const at = row * count;
    moved.fill(0);
    for (let layer = 0; layer < layers; layer += 1) {
      const step = values[layer] * lambda;
      const factor = 1 - step || 1e-300;
      sizes[row] += Math.log(Math.abs(factor));
      for (let i = 0; i < count; i += 1) slopes[at + i] -= (step / factor) * moved[i];
      slopes[at + layer] -= step / factor;
      if (layer === layers - 1) break;
      const bend = values[layers + layer] * lambda;
      const kept = 1 - bend || 1e-300;
      for (let i = 0; i < count; i += 1) moved[i] -= ((2 * bend) / kept) * moved[i];
      moved[layers + layer] -= (2 * bend) / kept;
      lambda *= kept * kept;
    }
  });
  const most = sizes.reduce((a, b) => Math.max(a, b), -Infinity);
  const gradient = new Array(count).fill(0);
  let total = 0;
  sizes.forEach((size, row) => {
    const weight = Math.exp(power * (size - most));
    total += weight;
    if (weight > 1e-30) for (let i = 0; i < count; i += 1) gradient[i] += weight * slopes[row * count + i];
  });
  const value = most + Math.log(total / points.length) / power;
  return { value, most, gradient: gradient.map((part) => part / total) };
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

// Quasi-Newton steps (BFGS) with halving.
function minimise(start, points, power) {
  let [at, now] = [start, objective(start, points, power)];
  const identity = () => at.map((_, i) => at.map((__, j) => Number(i === j)));
  let inverse = identity();
  for (let round = 0; round < 100; round += 1) {
    let direction = inverse.map((row) => -dot(row, now.gradient));
    if (!(dot(direction, now.gradient) < 0)) {
      inverse = identity();
      direction = now.gradient.map((part) => -part);
    }
    const slope = dot(direction, now.gradient);
    let [length, found, moved] = [Math.min(1, 1 / Math.max(...direction.map(Math.abs))), null, null];
    for (let halving = 0; halving < 30; halving += 1, length /= 2) {
      moved = at.map((value, i) => value + length * direction[i]);
      found = objective(moved, points, power);
      if (found.value <= now.value + 1e-4 * length * slope) break;
      found = null;
    }
    if (!found || now.value - found.value < 1e-10) break;
    const step = moved.map((value, i) => value - at[i]);
    const change = found.gradient.map((value, i) => value - now.gradient[i]);
    const curvature = dot(step, change);
    if (curvature > 1e-14) {
      const image = inverse.map((row) => dot(row, change));
      const factor = (1 + dot(change, image) / curvature) / curvature;
      inverse = inverse.map((row, i) => row.map((value, j) => value + factor * step[i] * step[j] - (image[i] * step[j] + step[i] * image[j]) / curvature));
    }
    [at, now] = [moved, found];
  }
  return { at, most: objective(at, points, power).most };
}

// The same random numbers in every browser, normal enough to start from.
function randomSource(seed) {
  const uniform = () => {
    seed = (1664525 * seed + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
  return { uniform, normal: () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6 };
}

// Scalars with a small worst error on [l, u], a local minimum: from the triangle's, and from random
// ones that grow more slowly, by p-norms of a growing p. The best few are finished. The page answers meanwhile.
async function minimax(layers, lower) {
  lower = Math.min(lower, 0.999 * UPPER);
  const count = 60 * layers;
  const points = Array.from({ length: count + 1 }, (_, i) => (UPPER + lower) / 2 + ((UPPER - lower) / 2) * Math.cos((i * Math.PI) / count));
  const { gammas, etas } = triangle(layers);
  const growth = [...gammas.keys(), ...etas.keys()];
  const first = [...gammas, ...etas].map(Math.log);
  const { uniform, normal } = randomSource(1);
  const starts = [first];
  while (starts.length < (layers > 4 ? STARTS / 2 : STARTS)) {
    const slower = 1.2 * uniform();
    starts.push(first.map((value, i) => value - slower * growth[i] + 0.25 * normal()));
  }
  const lowered = (powers) => (start) => powers.reduce((found, power) => minimise(found.at, points, power), { at: start });
  const rough = [];
  for (const start of starts) {
    rough.push(lowered([2, 8, 32])(start));
    await new Promise((done) => setTimeout(done));
  }
  rough.sort((a, b) => a.most - b.most);
  const [best] = rough.slice(0, 3).map((found) => lowered([128, 512, 2048])(found.at)).sort((a, b) => a.most - b.most);
  const values = best.at.map(Math.exp);
  return { gammas: values.slice(0, layers), etas: values.slice(layers) };
}

// ---- the page

let scalars = triangle(4);
let announced = 0;

const layersNow = () => Number(layersSlider.value);
const lowerNow = () => 10 ** -Number(kappaSlider.value);
const stepsNow = () => (find(".built").checked ? layersNow() - 3 : layersNow());

// Values of every method on the grid, for tests and for whoever wants them.
function curves() {
  const [lower, layers] = [lowerNow(), layersNow()];
  const lambdas = gridOf(lower);
  const found = methodsOf(lower, layers, stepsNow(), scalars).map(([title, size, r]) => ({ title, degree: size, values: r ? lambdas.map(r) : null }));
  return { lower, upper: UPPER, layers, steps: stepsNow(), scalars, lambdas, boundary: boundary(layers, lower), methods: found };
}

function drawCurves(found) {
  const { lambdas, methods } = found;
  const lines = methods.map((method, kind) => ({ x: lambdas, y: method.values?.map(Math.abs), kind })).filter((line) => line.y);
  lines.unshift({ x: [found.lower, UPPER], y: [found.boundary, found.boundary], kind: 0 });
  const worst = methods.map(worstOf).filter((value) => value !== null);
  const lowest = Math.min(...worst, Math.max(found.boundary, 1e-13)) / 30;
  const y = { low: Math.max(lowest, 1e-16), high: Math.max(2, Math.min(Math.max(...worst), 1e3)), title: "|r|", log: true };
  const single = found.lower === UPPER;
  const x = { low: single ? 0.5 : found.lower, high: single ? 2 : UPPER, title: "λ, an eigenvalue of AᵀA over u", log: true };
  drawChart(find("svg.chart"), { x, y, lines });
}

function worstOf(method) {
  return method.values ? method.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : null;
}

function fillTable(found) {
  find("tbody").innerHTML = found.methods.map((method, i) => {
    const worst = i === 0 ? found.boundary : worstOf(method);
    const size = worst === null ? "–" : method.degree;
    return `<tr><th scope="row">${method.title}</th><td class="n">${size}</td><td class="n">${written(worst)}</td></tr>`;
  }).join("");
}

function announce(found) {
  clearTimeout(announced);
  announced = setTimeout(() => {
    const methods = found.methods.filter((method) => method.values).map((method) => `${method.title} ${written(worstOf(method), 2)}`);
    const words = `κ = ${written(1 / found.lower)}, L = ${found.layers}. Worst errors: boundary ${written(found.boundary, 2)}, ${methods.join(", ")}.`;
    find(".said").textContent = words;
    find("svg.chart").setAttribute("aria-label", `Residual curves. ${words}`);
  }, 400);
}

function buildSliders() {
  const parts = [["γ", scalars.gammas], ["η", scalars.etas]];
  const reference = triangle(layersNow()).gammas;
  const labels = parts.flatMap(([letter, values]) => values.map((value, layer) => {
    const label = document.createElement("label");
    label.className = "slider";
    label.innerHTML = `<span><i>${letter}<sub>${layer + 1}</sub></i> <output></output></span><input type="range" step="0.001">`;
    const input = label.querySelector("input");
    [input.min, input.max] = [-Math.log(REACH), Math.log(REACH)];
    input.value = Math.log(value / reference[layer]);
    input.setAttribute("aria-label", `${letter} of layer ${layer + 1}`);
    const say = () => {
      label.querySelector("output").textContent = written(values[layer]);
      input.setAttribute("aria-valuetext", written(values[layer]));
    };
    input.addEventListener("input", () => {
      values[layer] = reference[layer] * Math.exp(Number(input.value));
      say();
      draw();
    });
    say();
    return label;
  }));
  find(".sliders").replaceChildren(...labels);
}

function draw() {
  const found = curves();
  find(".kappa-said").textContent = written(1 / found.lower);
  kappaSlider.setAttribute("aria-valuetext", written(1 / found.lower));
  find(".layers-said").textContent = found.layers;
  drawCurves(found);
  fillTable(found);
  announce(found);
}

function choose(found) {
  scalars = found;
  buildSliders();
  draw();
}

function reset() {
  [kappaSlider.value, layersSlider.value, find(".built").checked] = [1, 4, true];
  choose(triangle(4));
}

kappaSlider.addEventListener("input", draw);
layersSlider.addEventListener("input", () => choose(triangle(layersNow())));
find(".triangle").addEventListener("click", () => choose(triangle(layersNow())));
find(".minimax").addEventListener("click", async () => {
  const [layers, lower, button] = [layersNow(), lowerNow(), find(".minimax")];
  button.disabled = true;
  const found = await minimax(layers, lower);
  button.disabled = false;
  if (layers === layersNow() && lower === lowerNow()) choose(found);
});
find(".reset").addEventListener("click", reset);
find(".built").addEventListener("change", draw);
find(".legend").innerHTML = methodsOf(0.1, 3, 3, scalars).map(([title], kind) =>
  `<li><svg viewBox="0 0 36 12" aria-hidden="true"><line class="line-${kind}" x1="0" x2="36" y1="6" y2="6"/></svg>${title}</li>`).join("");
addEventListener("resize", draw);
root.explorer = { curves, minimax };
reset();
