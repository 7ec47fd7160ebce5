// What the pages need beyond the framework: values under the pointer in charts, the phone's menu, and a new start after the server's.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
const cross = document.createElement("div");
cross.className = "cross";
cross.hidden = true;
document.body.append(tip, cross);

document.addEventListener("pointermove", event => {
  const plot = event.target.closest?.(".plot");
  const svg = plot?.querySelector("svg");
  if (!svg) { tip.hidden = cross.hidden = true; return; }
  const box = svg.getBoundingClientRect();
  const at = 1000 * (event.clientX - box.left) / box.width;
  const [from, to, low, high] = ["from", "to", "low", "high"].map(name => +svg.dataset[name]);
  let place = null;
  const rows = [];
  const { format, x: axis } = svg.dataset;
  let shown = 0;
  for (const path of svg.querySelectorAll("path.line")) {
    let best = null;
    for (const match of path.getAttribute("d").matchAll(/[ML](-?\d+) (-?\d+)/g)) {
      const x = +match[1];
      if (best === null || Math.abs(x - at) < Math.abs(best.x - at)) best = { x, y: +match[2] };
    }
    if (best === null) continue;
    const share = (1000 - best.y) / 1000;
    const value = svg.dataset.log === "1" ? low * Math.pow(high / low, share) : low + share * (high - low);
    if (place === null) [place, shown] = [from + (to - from) * best.x / 1000, best.x];
    rows.push(`${path.dataset.name} ${said[format](value)}`);
  }
  if (!rows.length) { tip.hidden = cross.hidden = true; return; }
  const when = axis === "time" ? `${span(-place)} ago` : `${axis} ${axis === "said" ? said.percent(place) : Math.round(place)}`;
  tip.textContent = `${when}: ${rows.join(", ")}`;
  tip.hidden = false;
  tip.style.left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8) + scrollX + "px";
  tip.style.top = event.clientY + scrollY - 34 + "px";
  cross.hidden = false;
  cross.style.left = box.left + scrollX + box.width * shown / 1000 + "px";
  cross.style.top = box.top + scrollY + "px";
  cross.style.height = box.height + "px";
});

// A chart shows its value under the pointer as it shows the one of now.
const said = {
  number: brief,
  percent: share => `${Math.round(1000 * share) / 10} %`,
  seconds: time => time < 1 ? `${+(1000 * time).toPrecision(3)} ms` : `${+time.toPrecision(3)} s`,
};

function brief(value) {
  const size = Math.abs(value);
  return size >= 1000 || size === 0 ? Math.round(value).toLocaleString("en") : size >= 0.001 ? String(+value.toPrecision(3)) : value.toExponential(1);
}

function span(seconds) {
  if (seconds < 120) return Math.round(seconds) + " s";
  return seconds < 7200 ? Math.round(seconds / 60) + " min" : (seconds / 3600).toFixed(1) + " h";
}

// The phone's menu closes once a page was chosen.
document.addEventListener("click", event => {
  if (event.target.closest?.(".menu nav a")) document.getElementById("menu")?.removeAttribute("open");
});

// After a restart of the server the page's connection is gone for good: the page begins anew as soon as there is somebody to ask.
new MutationObserver(() => {
  const modal = document.getElementById("components-reconnect-modal");
  if (!modal || !/components-reconnect-(rejected|failed)/.test(modal.className)) return;
  const again = setInterval(async () => {
    try {
      if ((await fetch("health/live")).ok) { clearInterval(again); location.reload(); }
    } catch { /* not yet */ }
  }, 1000);
}).observe(document.body, { attributes: true, subtree: true, childList: true, attributeFilter: ["class"] });
