// The map: points on a canvas, drawn only when something changed. It asks the server for what is new every two seconds.
const statuses = { pending: "--c-pending", refining: "--c-refining", converged: "--c-converged", exhausted: "--c-exhausted", failed: "--c-failed" };
const hues = [205, 25, 130, 280, 345, 55, 175, 95, 235, 310, 5, 155];
const limit = 10000, every = 2000, near = 10, steps = 8;

let known, whole, mode, revision, timer, canvases, view, dirty, frame, compared, picked, listeners, labels;

export function start(colour) {
  known = new Map(); labels = new Map(); whole = { ids: [], places: new Float32Array(0) }; revision = 0; compared = null; mode = colour;
  view = { x: 0, y: 0, zoom: 1 }; dirty = true; picked = null;
  canvases = [document.getElementById("map-main"), document.getElementById("map-second")];
  listeners = new AbortController();
  const { signal } = listeners;
  for (const canvas of canvases) attach(canvas, signal);
  document.getElementById("map-reset").addEventListener("click", () => { view = { x: 0, y: 0, zoom: 1 }; dirty = true; }, { signal });
  document.addEventListener("themechange", repaint, { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint, { signal });
  addEventListener("resize", () => { dirty = true; }, { signal });
  const loop = () => { if (dirty) draw(); frame = requestAnimationFrame(loop); };
  loop();
  load();
}

export function stop() {
  clearTimeout(timer);
  cancelAnimationFrame(frame);
  listeners?.abort();
}

export function colourBy(colour) { mode = colour; repaint(); }

/** Colours are kept with the points until something that they depend on changes. */
function repaint() {
  for (const set of [whole, ...(compared ?? [])]) set.tones = null;
  dirty = true;
}

export function live() { compared = null; dirty = true; }

export function compare(before, after) {
  const pack = positions => ({ ids: positions.map(p => p.id), places: Float32Array.from(positions.flatMap(p => [p.x, p.y])) });
  compared = [pack(before), pack(after)];
  view = { x: 0, y: 0, zoom: 1 };
  dirty = true;
}

/** Frames while the map is dragged to and fro, in milliseconds each: for measuring. */
export async function measure(frames) {
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < frames; i++) {
    view.x += i % 40 < 20 ? 3 : -3;
    dirty = true;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return { points: whole.ids.length, times };
}

async function load() {
  try {
    const answer = await fetch(`v1/map?since=${revision}`);
    if (answer.ok) take(await answer.json());
  } catch { /* the server is away; the next try follows */ }
  timer = setTimeout(load, every);
}

function take(map) {
  if (map.revision === revision && whole.ids.length > 0) return;
  revision = map.revision;
  for (const point of map.points) {
    known.set(point.id, point);
    if (point.label && !labels.has(point.label)) labels.set(point.label, hues[labels.size % hues.length]);
  }
  const ids = map.ids ?? [];
  const bytes = Uint8Array.from(atob(map.positions), letter => letter.charCodeAt(0));
  whole = { ids, places: new Float32Array(bytes.buffer) };
  document.getElementById("map-status").textContent = ids.length ? `${ids.length === limit ? "the latest " : ""}${ids.length.toLocaleString("en")} documents` : "no document has a place yet: they appear with their first step";
  dirty = true;
}

function bounds(points) {
  // The outermost hundredth may lie outside, so that one stray point does not make dust of the rest.
  const part = offset => {
    const values = new Float32Array(points.length / 2);
    for (let i = 0; i < values.length; i++) values[i] = points[2 * i + offset];
    values.sort();
    const cut = Math.floor(values.length / 200);
    return [values[cut], values[values.length - 1 - cut]];
  };
  const [[left, right], [bottom, top]] = [part(0), part(1)];
  const size = Math.max(right - left, top - bottom, 1e-9) * 1.1;
  return { x: (left + right) / 2, y: (bottom + top) / 2, size };
}

function draw() {
  dirty = false;
  const style = getComputedStyle(document.documentElement);
  const dark = document.documentElement.dataset.theme === "dark";
  (compared ?? [whole]).forEach((set, index) => {
    const canvas = canvases[index];
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) { dirty = true; return; }
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    const context = canvas.context ??= canvas.getContext("2d");
    canvas.set = set;
    // Pixels are set one by one in a buffer: ten thousand squares cost the canvas far more.
    if (canvas.image?.width !== columns || canvas.image?.height !== rows) {
      canvas.image = context.createImageData(columns, rows);
      canvas.pixels = new Uint32Array(canvas.image.data.buffer);
    }
    const pixels = canvas.pixels.fill(0);
    const count = set.ids.length;
    const size = count > 3000 ? 3 : count > 500 ? 4 : 6;
    if (count > 0) {
      const frame = set.bounds ??= bounds(set.places);
      const scale = Math.min(width, height) / frame.size * view.zoom;
      const screen = set.screen ??= new Float32Array(set.places.length);
      const tones = set.tones ??= tonesOf(set, style, dark);
      const side = Math.max(1, Math.round(size * ratio));
      const insets = discOf(side);
      for (let i = 0; i < count; i++) {
        const x = screen[2 * i] = width / 2 + (set.places[2 * i] - frame.x) * scale + view.x;
        const y = screen[2 * i + 1] = height / 2 - (set.places[2 * i + 1] - frame.y) * scale + view.y;
        const [left, top] = [Math.round(x * ratio - side / 2), Math.round(y * ratio - side / 2)];
        if (left < 0 || top < 0 || left + side > columns || top + side > rows) continue;
        for (let row = 0; row < side; row++) {
          const from = (top + row) * columns + left;
          pixels.fill(tones[i], from + insets[row], from + side - insets[row]);
        }
      }
    }
    context.putImageData(canvas.image, 0, 0);
    if (picked?.canvas === canvas && picked.index < count) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.strokeStyle = style.getPropertyValue("--ink");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(set.screen[2 * picked.index], set.screen[2 * picked.index + 1], size + 2, 0, 2 * Math.PI);
      context.stroke();
    }
  });
  legend(style, dark);
}

/** How many pixels each row of a disc leaves out on either side. */
function discOf(side) {
  const radius = side / 2;
  return Uint8Array.from({ length: side }, (_, row) => Math.max(0, Math.round(radius - Math.sqrt(radius * radius - (row + 0.5 - radius) ** 2) - 0.15)));
}

/** A colour for each point, as the buffer has it. */
function tonesOf(set, style, dark) {
  const cache = new Map();
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  return Uint32Array.from(set.ids, id => {
    const point = known.get(id);
    const key = point ? keyOf(point) : null;
    if (!cache.has(key)) {
      pixel.fillStyle = key === null ? style.getPropertyValue("--soft") : colour(key, style, dark);
      pixel.fillRect(0, 0, 1, 1);
      cache.set(key, new Uint32Array(pixel.getImageData(0, 0, 1, 1).data.buffer)[0]);
    }
    return cache.get(key);
  });
}

function keyOf(point) {
  if (mode === "label") return point.label ?? "";
  if (mode === "age") return Math.min(steps - 1, Math.floor(Math.log2(1 + (Date.now() - point.age) / 15000)));
  if (mode === "residual") return point.residual == null ? -1 : Math.max(0, Math.min(steps - 1, Math.floor(-Math.log10(Math.max(point.residual, 1e-8)) * 2)));
  return point.status;
}

function colour(key, style, dark) {
  if (mode === "status") return style.getPropertyValue(statuses[key]).trim();
  if (mode === "label") return key === "" ? style.getPropertyValue("--soft").trim() : `hsl(${labels.get(key)} ${dark ? "65% 66%" : "60% 42%"})`;
  if (key < 0) return style.getPropertyValue("--soft").trim();
  const share = key / (steps - 1);
  return mode === "age" ? `hsl(${25 + 190 * share} 70% ${dark ? 65 : 45}%)` : `hsl(${25 + 125 * share} 65% ${dark ? 62 : 42}%)`;
}

function legend(style, dark) {
  const entries = mode === "label" ? [...labels.keys()].sort().map(name => [name, colour(name, style, dark)])
    : mode === "status" ? Object.keys(statuses).map(name => [name, colour(name, style, dark)])
    : mode === "age" ? [["newest", colour(0, style, dark)], ["oldest", colour(7, style, dark)]]
    : [["far from settled", colour(0, style, dark)], ["settled", colour(7, style, dark)]];
  const list = document.getElementById("map-legend");
  const text = entries.join(";");
  if (!list || list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...entries.map(([name, tone]) => {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = tone;
    item.append(mark, name);
    return item;
  }));
}

function nearest(canvas, x, y, reach) {
  const screen = canvas.set?.screen;
  if (!screen) return null;
  let best = null, least = reach * reach;
  for (let i = 0; i < screen.length; i += 2) {
    const distance = (screen[i] - x) ** 2 + (screen[i + 1] - y) ** 2;
    if (distance < least) { least = distance; best = i / 2; }
  }
  return best;
}

function attach(canvas, signal) {
  const tip = document.getElementById("map-tip");
  let drag = null;
  const zoom = (factor, x, y) => {
    const next = Math.min(200, Math.max(0.5, view.zoom * factor));
    const change = next / view.zoom, [cx, cy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
    view = { zoom: next, x: cx - (cx - view.x) * change, y: cy - (cy - view.y) * change };
    dirty = true;
  };
  const open = index => { if (index !== null) Blazor.navigateTo(`documents/${encodeURIComponent(canvas.set.ids[index])}`); };
  canvas.addEventListener("pointerdown", event => { drag = { x: event.offsetX, y: event.offsetY, moved: false }; canvas.setPointerCapture(event.pointerId); }, { signal });
  canvas.addEventListener("pointermove", event => {
    if (drag) {
      const [dx, dy] = [event.offsetX - drag.x, event.offsetY - drag.y];
      if (drag.moved || Math.abs(dx) + Math.abs(dy) > 4) {
        view.x += dx; view.y += dy;
        drag = { x: event.offsetX, y: event.offsetY, moved: true };
        dirty = true;
      }
      return;
    }
    const index = nearest(canvas, event.offsetX, event.offsetY, near);
    const changed = picked?.index !== index || picked?.canvas !== canvas;
    picked = index === null ? null : { canvas, index };
    if (changed) dirty = true;
    tip.hidden = index === null;
    if (index === null) return;
    const point = known.get(canvas.set.ids[index]);
    tip.textContent = (point?.title ?? canvas.set.ids[index]) + (point ? ` (${point.status})` : "");
    const area = tip.parentElement.getBoundingClientRect();
    tip.style.left = Math.min(event.clientX - area.left + 14, area.width - tip.offsetWidth - 4) + "px";
    tip.style.top = event.clientY - area.top + 14 + "px";
  }, { signal });
  canvas.addEventListener("pointerup", event => {
    if (drag && !drag.moved) open(nearest(canvas, event.offsetX, event.offsetY, near));
    drag = null;
  }, { signal });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; }, { signal });
  canvas.addEventListener("wheel", event => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY); }, { signal, passive: false });
  canvas.addEventListener("keydown", event => {
    const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (moves[event.key]) { view.x += moves[event.key][0]; view.y += moves[event.key][1]; dirty = true; }
    else if (event.key === "+" || event.key === "=") zoom(1.3, x, y);
    else if (event.key === "-") zoom(1 / 1.3, x, y);
    else if (event.key === "Enter") open(nearest(canvas, x, y, 1e4));
    else return;
    event.preventDefault();
  }, { signal });
}
