// What the pages need beyond the framework: values under the pointer in charts, the phone's menu, and a new start after the server's.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

document.addEventListener("pointermove", event => {
  const plot = event.target.closest?.(".plot");
  const svg = plot?.querySelector("svg");
  if (!svg) { tip.hidden = true; return; }
  const box = svg.getBoundingClientRect();
  const at = 1000 * (event.clientX - box.left) / box.width;
  const [from, to, low, high] = ["from", "to", "low", "high"].map(name => +svg.dataset[name]);
  let place = null;
  const rows = [];
  for (const path of svg.querySelectorAll("path.line")) {
    let best = null;
    for (const match of path.getAttribute("d").matchAll(/[ML](-?\d+) (-?\d+)/g)) {
      const x = +match[1];
      if (best === null || Math.abs(x - at) < Math.abs(best.x - at)) best = { x, y: +match[2] };
    }
    if (best === null) continue;
    const share = (1000 - best.y) / 1000;
    const value = svg.dataset.log === "1" ? low * Math.pow(high / low, share) : low + share * (high - low);
    place ??= from + (to - from) * best.x / 1000;
    rows.push(`${path.dataset.name} ${brief(value)}`);
  }
  if (!rows.length) { tip.hidden = true; return; }
  const when = svg.dataset.x === "time" ? `${span(-place)} ago` : `step ${Math.round(place)}`;
  tip.textContent = `${when}: ${rows.join(", ")}`;
  tip.hidden = false;
  tip.style.left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8) + scrollX + "px";
  tip.style.top = event.clientY + scrollY - 34 + "px";
});

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
