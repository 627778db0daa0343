// A time series that can be zoomed: uPlot over the panel's own rows, loaded when a user asks for it, gone when asked again.
import uPlot from "uplot";
import styleUrl from "uplot/dist/uPlot.min.css";

const HEIGHT_PX = 260;
const loaded = { style: false };
const locale = document.documentElement.lang || "en";

const addStyle = () => {
  if (loaded.style) return;
  loaded.style = true;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = styleUrl;
  document.head.append(link);
};

/** Times without a zone are shown as they are: read as UTC, as both formats below write them. */
const seconds = (text) => Date.parse(/T/.test(text) ? (/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`) : `${text}T00:00:00Z`) / 1000;

/** Columns of numbers over one column of times: [times, first, second, …] and their names. As in the chart: what is not `drawn` there
 * and the periods it leaves out at its `ends` are not drawn here. */
const series = ({ columns, rows }, drawn, ends) => {
  const time = columns.find((one) => /^Date/.test(one.datatype));
  const split = columns.find((one) => one.role === "dimension" && one !== time);
  const metrics = columns.filter((one) => drawn.includes(one.name));
  const all = [...new Set(rows.map((row) => row[time.name]))].filter((one) => one !== null).sort();
  const times = all.slice(ends[0], all.length - ends[1]);
  const places = new Map(times.map((value, index) => [value, index]));
  const lines = new Map();
  for (const row of rows) {
    const place = places.get(row[time.name]);
    if (place === undefined) continue;
    for (const metric of split ? metrics.slice(0, 1) : metrics) {
      const name = split ? String(row[split.name] ?? "—") : metric.label || metric.name;
      if (!lines.has(name)) lines.set(name, new Array(times.length).fill(null));
      lines.get(name)[place] = row[metric.name] === null ? null : Number(row[metric.name]);
    }
  }
  return { time: time.label || time.name, names: [...lines.keys()], data: [times.map(seconds), ...lines.values()] };
};

const token = (style, name) => style.getPropertyValue(name).trim();

const plot = (holder, { time, names, data }) => {
  const style = getComputedStyle(document.documentElement);
  const ink = token(style, "--ink-3");
  const rule = token(style, "--grid");
  const color = (index) => token(style, names.length === 1 ? "--c0" : `--c${(index % 8) + 1}`);
  const number = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const timeStyle = data[0].some((at) => at % 86400) ? "short" : undefined;
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle, timeZone: "UTC" });
  const short = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const font = `12px ${token(style, "--font")}`;
  return new uPlot(
    {
      width: holder.clientWidth,
      height: HEIGHT_PX,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
      axes: [
        { stroke: ink, font, space: 72, grid: { show: false }, ticks: { stroke: rule, size: 4 }, values: (_, them) => them.map((at) => short.format(at * 1000)) },
        { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { show: false }, values: (_, them) => them.map((one) => number.format(one)) },
      ],
      hooks: { ready: [(made) => made.setLegend({ idx: data[0].length - 1 })] },
      series: [
        { label: time, value: (_, at) => (at == null ? "—" : day.format(at * 1000)) },
        ...names.map((label, index) => ({ label, stroke: color(index), width: 1.5, points: { show: false }, value: (_, one) => (one == null ? "—" : exact.format(one)) })),
      ],
    },
    data,
    holder,
  );
};

const hint = (words) => Object.assign(document.createElement("p"), { className: "hint", textContent: words });

/** Open the zoomable plot of a panel under its chart, or close it again. */
export const toggle = async (panel, control, request) => {
  const open = panel.querySelector(".zoom");
  if (open) {
    open.remove();
    control.setAttribute("aria-expanded", "false");
    return;
  }
  if (control.getAttribute("aria-busy")) return;
  control.setAttribute("aria-expanded", "true");
  control.setAttribute("aria-busy", "true");
  const body = panel.querySelector(".panel-body");
  const holder = document.createElement("div");
  holder.className = "zoom";
  try {
    addStyle();
    const answer = await request(control.dataset.url);
    if (!answer.ok) throw new Error(String(answer.status));
    const told = series(await answer.json(), ...[control.dataset.zoom, control.dataset.ends].map((words) => words.split(" ")));
    body.append(holder); // which has gone when the panel shows another state by now
    const made = plot(holder, told);
    holder.append(hint(control.dataset.hint));
    new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: HEIGHT_PX })).observe(holder);
  } catch {
    holder.setAttribute("role", "alert");
    holder.replaceChildren(hint(document.documentElement.dataset.offline));
    body.append(holder);
  } finally {
    control.removeAttribute("aria-busy");
  }
};
