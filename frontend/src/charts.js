// Tooltips for charts, by pointer and by arrow keys, from the JSON in `data-points` (documented in ui/render/panel.py).
const COLORS = (color) => (color < 0 ? "sx" : `s${color}`);
let tip, current;

const points = (chart) => {
  if (!chart.points) {
    chart.points = JSON.parse(chart.dataset.points);
    for (const title of chart.querySelectorAll("title")) if (title.parentNode !== chart) title.remove();
  }
  return chart.points;
};

/** The content box, in which horizontal places are per cent and vertical places are pixels. */
const box = (chart) => {
  const outer = chart.getBoundingClientRect();
  const style = getComputedStyle(chart);
  const left = outer.left + parseFloat(style.paddingLeft);
  return { left, top: outer.top + parseFloat(style.paddingTop), width: outer.right - parseFloat(style.paddingRight) - left };
};

const nearest = (data, x, y, width) => {
  let best = -1;
  let least = Infinity;
  data.t.forEach((_, index) => {
    const dx = data.h ? 0 : (data.x[index] / 100) * width - x;
    const dy = data.h ? data.y[index] - y : data.f ? (data.s.find((one) => one.y[index] != null)?.y[index] ?? Infinity) - y : 0;
    const distance = dx * dx + dy * dy;
    if (distance < least) [least, best] = [distance, index];
  });
  return best;
};

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const describe = (data, index) => {
  const list = element("ul");
  const layered = data.s.some((one) => one.k);
  for (const one of data.s) {
    if (one.v[index] === "" || (layered && one.v[index] === "—")) continue;
    const item = element("li");
    item.append(element("i", `key ${COLORS(one.c)} ${one.k ?? ""}`), element("span", "", one.n), element("b", "", one.v[index]));
    list.append(item);
  }
  tip.replaceChildren(element("p", "", data.t[index]), list);
};

const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

const mark = (chart, data, index) => {
  chart.querySelector("g.spot")?.remove();
  const spot = svg("g", { class: "spot", "aria-hidden": "true" });
  if (!data.h && !data.f) spot.append(svg("line", { x1: `${data.x[index]}%`, x2: `${data.x[index]}%`, y1: 0, y2: "100%" }));
  for (const one of data.s) {
    const x = data.h ? one.x[index] : data.x[index];
    const y = data.h ? data.y[index] : one.y[index];
    if (x != null && y != null) spot.append(svg("circle", { cx: `${x}%`, cy: y, r: 4, class: COLORS(one.c) }));
  }
  chart.append(spot);
};

const place = ({ chart, index }) => {
  const data = points(chart);
  const area = box(chart);
  const first = data.s.find((one) => (data.h ? one.x : one.y)[index] != null);
  const x = area.left + ((data.h ? (first?.x[index] ?? 50) : data.x[index]) / 100) * area.width;
  const y = area.top + (data.h ? data.y[index] : (first?.y[index] ?? 0));
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = x + 12 + width > innerWidth ? x - 12 - width : x + 12;
  tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, Math.min(y - height / 2, innerHeight - height - 8))}px)`;
};

const show = (chart, index) => {
  const data = points(chart);
  if (index < 0 || index >= data.t.length) return;
  current = { chart, index };
  tip ??= document.body.appendChild(Object.assign(element("div", "tooltip"), { role: "status" }));
  describe(data, index);
  mark(chart, data, index);
  tip.hidden = false;
  place(current);
};

const hide = () => {
  if (!current) return;
  current.chart.querySelector("g.spot")?.remove();
  tip.hidden = true;
  current = null;
};

/** Whoever reads with the keyboard keeps the place, also when the browser brings a chart into view after it was turned to. */
const onScroll = () => {
  if (current && document.activeElement === current.chart) place(current);
  else hide();
};

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

const onKey = (event) => {
  const chart = event.target.closest?.("svg.chart[data-points]");
  if (event.key === "Escape") return hide();
  if (!chart || event.altKey || event.ctrlKey || event.metaKey) return;
  const last = points(chart).t.length - 1;
  const at = current?.chart === chart ? current.index : -1;
  let next;
  if (event.key === "Home") next = 0;
  else if (event.key === "End") next = last;
  else if (event.key in STEPS) next = at < 0 ? (STEPS[event.key] > 0 ? 0 : last) : Math.min(last, Math.max(0, at + STEPS[event.key]));
  if (next === undefined) return;
  event.preventDefault();
  show(chart, next);
};

const onMove = (event) => {
  const chart = event.target.closest?.("svg.chart[data-points]");
  if (!chart) {
    if (current && document.activeElement !== current.chart) hide();
    return;
  }
  const area = box(chart);
  const index = nearest(points(chart), event.clientX - area.left, event.clientY - area.top, area.width);
  if (current?.chart !== chart || current.index !== index) {
    if (current && current.chart !== chart) hide();
    show(chart, index);
  }
};

/** Listen from now on, and catch up on what happened while this was loading. */
export const start = (missed) => {
  for (const event of missed) (event.type === "keydown" ? onKey : onMove)(event);
  document.addEventListener("keydown", onKey);
  document.addEventListener("pointermove", onMove, { passive: true });
  document.addEventListener("pointerdown", onMove, { passive: true });
  document.addEventListener("focusout", (event) => event.target === current?.chart && hide());
  addEventListener("scroll", onScroll, { passive: true, capture: true });
};
