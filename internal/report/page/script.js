"use strict";
(() => {
  // Legend entries switch the series that carry their key.
  const off = new Set();
  const entries = document.querySelectorAll(".entry[data-key]");
  const groups = document.querySelectorAll("g.series");

  const apply = () => {
    for (const entry of entries) entry.setAttribute("aria-pressed", String(!off.has(entry.dataset.key)));
    for (const group of groups) {
      const hidden = group.dataset.k.split("\t").some((key) => off.has(key));
      group.style.display = hidden ? "none" : "";
    }
  };
  const toggle = (key) => {
    if (!off.delete(key)) off.add(key);
    apply();
  };
  for (const entry of entries) {
    entry.setAttribute("role", "button");
    entry.tabIndex = 0;
    entry.title = "Show or hide";
    entry.addEventListener("click", () => toggle(entry.dataset.key));
    entry.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle(entry.dataset.key);
    });
  }
  apply();

  // A tooltip names the point nearest to the pointer. It takes the place of the markers' own titles.
  for (const title of document.querySelectorAll("g.series title")) title.remove();
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  let lit = null;

  const scale = (text, start, length) => {
    const [low, high, kind] = text.split(" ");
    const map = kind === "log" ? Math.log : (x) => x;
    const a = map(Number(low)), b = map(Number(high));
    return (x) => start + ((map(x) - a) / (b - a)) * length;
  };
  const points = new WeakMap();
  const pointsOf = (svg, group) => {
    if (!points.has(group)) {
      const [left, top, width, height] = svg.dataset.box.split(" ").map(Number);
      const x = scale(svg.dataset.x, left, width);
      const y = scale(svg.dataset.y, top + height, -height);
      points.set(group, group.dataset.v.split("\n").map((line) => {
        const [a, b, ...note] = line.split(" ");
        return { a, b, note: note.join(" "), x: x(Number(a)), y: y(Number(b)) };
      }));
    }
    return points.get(group);
  };
  const nearest = (svg, px, py) => {
    let best = null, distance = 28 * 28;
    for (const group of svg.querySelectorAll("g.series[data-v]")) {
      if (group.style.display === "none") continue;
      for (const point of pointsOf(svg, group)) {
        const d = (point.x - px) ** 2 + (point.y - py) ** 2;
        if (d <= distance) [best, distance] = [{ group, point }, d];
      }
    }
    return best;
  };
  const clear = () => {
    tip.hidden = true;
    if (lit) lit.classList.remove("on");
    lit = null;
  };
  const show = (event) => {
    const svg = event.currentTarget;
    const box = svg.getBoundingClientRect();
    const unit = svg.viewBox.baseVal.width / box.width;
    const found = nearest(svg, (event.clientX - box.left) * unit, (event.clientY - box.top) * unit);
    clear();
    if (!found) return;
    lit = found.group;
    lit.classList.add("on");
    const { point } = found;
    const labels = [...svg.querySelectorAll("text.label")].map((label) => label.textContent);
    const lines = [lit.dataset.n, `${labels[1]}: ${point.a}`, `${labels[0]}: ${point.b}`];
    if (point.note) lines.push(point.note);
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const size = tip.getBoundingClientRect();
    const x = event.clientX + 14 + size.width > innerWidth ? event.clientX - 14 - size.width : event.clientX + 14;
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - size.height - 4))}px`;
  };
  for (const svg of document.querySelectorAll("svg.chart")) {
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", clear);
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
  addEventListener("scroll", clear, { passive: true });
})();
