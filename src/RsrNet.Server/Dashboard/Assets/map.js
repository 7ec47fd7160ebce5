// The map: points on a canvas, drawn only when something changed. It asks the server for what is new every two seconds.
const statuses = { pending: "--c-pending", refining: "--c-refining", converged: "--c-converged", exhausted: "--c-exhausted", failed: "--c-failed" };
const hues = [205, 25, 130, 280, 345, 55, 175, 95, 235, 310, 5, 155];
const every = 2000, near = 10;

let known, ids, places, mode, revision, timer, canvases, view, dirty, frame, compared, picked, listeners, labels;

export function start(colour) {
  known = new Map(); labels = new Map(); ids = []; places = new Float32Array(0); revision = 0; compared = null; mode = colour;
  view = { x: 0, y: 0, zoom: 1 }; dirty = true; picked = null;
  canvases = [document.getElementById("map-main"), document.getElementById("map-second")];
  listeners = new AbortController();
  const { signal } = listeners;
  for (const canvas of canvases) attach(canvas, signal);
  document.getElementById("map-reset").addEventListener("click", () => { view = { x: 0, y: 0, zoom: 1 }; dirty = true; }, { signal });
  document.addEventListener("themechange", () => { dirty = true; }, { signal });
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

export function colourBy(colour) { mode = colour; dirty = true; }

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
  return { points: ids.length, times };
}

async function load() {
  try {
    const answer = await fetch(`v1/map?since=${revision}`);
    if (answer.ok) take(await answer.json());
  } catch { /* the server is away; the next try follows */ }
  timer = setTimeout(load, every);
}

function take(map) {
  if (map.revision === revision && ids.length > 0) return;
  revision = map.revision;
  for (const point of map.points) {
    known.set(point.id, point);
    if (point.label && !labels.has(point.label)) labels.set(point.label, hues[labels.size % hues.length]);
  }
  ids = map.ids ?? [];
  const bytes = Uint8Array.from(atob(map.positions), letter => letter.charCodeAt(0));
  places = new Float32Array(bytes.buffer);
  document.getElementById("map-status").textContent = ids.length ? `${ids.length.toLocaleString("en")} documents` : "no document has a place yet: they appear with their first step";
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
  const colours = new Map();
  const sets = compared ?? [{ ids, places }];
  sets.forEach((set, index) => {
    const canvas = canvases[index];
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) { dirty = true; return; }
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    set.screen = null;
    if (!set.ids.length) return;
    const frame = set.bounds ?? bounds(set.places);
    if (compared) set.bounds = frame;
    const scale = Math.min(width, height) / frame.size * view.zoom;
    const screen = set.screen = new Float32Array(set.places.length);
    const groups = new Map();
    for (let i = 0; i < set.ids.length; i++) {
      const x = screen[2 * i] = width / 2 + (set.places[2 * i] - frame.x) * scale + view.x;
      const y = screen[2 * i + 1] = height / 2 - (set.places[2 * i + 1] - frame.y) * scale + view.y;
      if (x < -4 || y < -4 || x > width + 4 || y > height + 4) continue;
      const colour = colourOf(known.get(set.ids[i]), style, dark, colours);
      if (!groups.has(colour)) groups.set(colour, []);
      groups.get(colour).push(x, y);
    }
    const size = set.ids.length > 3000 ? 3 : set.ids.length > 500 ? 4 : 6;
    context.globalAlpha = 0.8;
    for (const [colour, points] of groups) {
      context.fillStyle = colour;
      for (let i = 0; i < points.length; i += 2) context.fillRect(points[i] - size / 2, points[i + 1] - size / 2, size, size);
    }
    context.globalAlpha = 1;
    if (picked?.canvas === canvas) {
      context.strokeStyle = style.getPropertyValue("--ink");
      context.lineWidth = 2;
      context.strokeRect(screen[2 * picked.index] - size, screen[2 * picked.index + 1] - size, 2 * size, 2 * size);
    }
    canvas.set = set;
  });
  legend(style, dark);
}

function colourOf(point, style, dark, cache) {
  if (!point) return style.getPropertyValue("--soft");
  const steps = 8;
  let key = point.status;
  if (mode === "label") key = point.label ?? "";
  else if (mode === "age") key = Math.min(steps - 1, Math.floor(Math.log2(1 + (Date.now() - point.age) / 15000)));
  else if (mode === "residual") key = point.residual == null ? -1 : Math.max(0, Math.min(steps - 1, Math.floor(-Math.log10(Math.max(point.residual, 1e-8)) * 2)));
  if (!cache.has(key)) cache.set(key, colour(key, style, dark, steps));
  return cache.get(key);
}

function colour(key, style, dark, steps) {
  if (mode === "status") return style.getPropertyValue(statuses[key]).trim();
  if (mode === "label") return key === "" ? style.getPropertyValue("--soft").trim() : `hsl(${labels.get(key)} ${dark ? "65% 66%" : "60% 42%"})`;
  if (key < 0) return style.getPropertyValue("--soft").trim();
  const share = key / (steps - 1);
  return mode === "age" ? `hsl(${25 + 190 * share} 70% ${dark ? 65 : 45}%)` : `hsl(${25 + 125 * share} 65% ${dark ? 62 : 42}%)`;
}

function legend(style, dark) {
  const entries = mode === "label" ? [...labels.keys()].sort().map(name => [name, colour(name, style, dark, 8)])
    : mode === "status" ? Object.keys(statuses).map(name => [name, colour(name, style, dark, 8)])
    : mode === "age" ? [["newest", colour(0, style, dark, 8)], ["oldest", colour(7, style, dark, 8)]]
    : [["far from settled", colour(0, style, dark, 8)], ["settled", colour(7, style, dark, 8)]];
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
