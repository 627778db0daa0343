// What a page does once it is there. Everything works without it; with it, changes come without a page load.
// ISLANDS (island → address) is written in by the build; each island is a file of its own that shares nothing but what it is given.
import { actions, doing } from "./actions.js";
import { start as filters } from "./filters.js";
import { start as menus } from "./menus.js";
import { request } from "./net.js";
import { ended, listen, refresh, say, watch } from "./panels.js";
import { start as slash } from "./slash.js";

document.documentElement.classList.add("scripted");
filters();
menus();
slash();
watch();

// Tooltips come with the first pointer or key on a chart; what happens until they are there is done then.
const missed = [];
const awake = ["pointermove", "pointerdown", "focusin", "keydown"];
const wake = (event) => {
  if (!event.target.closest?.("svg.chart[data-points]")) return;
  if (event.type !== "focusin") missed.push(event);
  if (event.type === "keydown" && /^(Arrow|Home|End|Page)/.test(event.key)) event.preventDefault();
  charts ??= import(ISLANDS.charts).then(({ start }) => {
    for (const type of awake) document.removeEventListener(type, wake);
    start(missed);
  });
};
let charts;
for (const type of awake) document.addEventListener(type, wake);

document.addEventListener("click", async (event) => {
  const control = event.target.closest?.("[data-retry],[data-zoom]");
  if (!control) return;
  const panel = control.closest("section.panel");
  event.preventDefault();
  if (control.dataset.retry !== undefined) {
    const lost = "lost" in control.dataset ? [...document.querySelectorAll("[data-lost]")] : [control];
    refresh(lost.map((one) => one.closest("section.panel").dataset.panel), location.search, `retry.${panel.dataset.panel}`);
  } else {
    doing(`zoom.${panel.dataset.panel}`);
    const { toggle } = await import(ISLANDS.zoom);
    toggle(panel, control, request);
  }
});

// The numbers of a chart come when they are asked for; without script the link leads to them.
const tabled = async (list) => {
  const link = list.open && list.querySelector?.("[data-table]");
  if (link) (await import(ISLANDS.table)).fill(link, request);
};
document.addEventListener("toggle", (event) => tabled(event.target), true);
for (const list of document.querySelectorAll("details.data[open]")) tabled(list);

// On the page of answers, forms and links of the sentence change it in place; what does that comes when somebody turns to it.
if (document.getElementById("main")?.dataset.page === "ask") {
  const answers = () => import(ISLANDS.ask);
  const go = (event, url) => {
    event.preventDefault?.();
    answers().then((island) => island.go(url, event.type !== "popstate", { request, say, watch, doing }), () => location.assign(url));
  };
  document.addEventListener("focusin", ({ target }) => target.closest?.(".chips") && answers());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-ask-link]");
    if (link && !(event.metaKey || event.ctrlKey || event.shiftKey || event.button)) go(event, link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "get") go(event, `${form.action}?${new URLSearchParams([...new FormData(form)].filter(([, value]) => value))}`);
  });
  addEventListener("popstate", (event) => go(event, location.href));
}

const whenIdle = self.requestIdleCallback ?? ((work) => setTimeout(work, 200));
const loaded = () => {
  ended();
  whenIdle(async () => (await import(ISLANDS.vitals)).start(actions));
};
if (document.readyState === "complete") loaded();
else addEventListener("load", loaded);
setTimeout(listen, 1000);
