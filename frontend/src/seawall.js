// What a page does once it is there. Everything works without it; with it, changes come without a page load.
// ISLANDS (island → address) is written in by the build; each island is a file of its own that shares nothing but what it is given.
import { actions, doing } from "./actions.js";
import { start as charts } from "./charts.js";
import { start as filters } from "./filters.js";
import { request } from "./net.js";
import { refresh } from "./panels.js";

document.documentElement.classList.add("scripted");
filters();
charts();

document.addEventListener("click", async (event) => {
  const control = event.target.closest?.("[data-retry],[data-zoom]");
  if (!control) return;
  const panel = control.closest("section.panel");
  event.preventDefault();
  if (control.dataset.retry !== undefined) {
    doing(`retry.${panel.dataset.panel}`);
    await refresh([panel.dataset.panel], location.search);
    panel.querySelector("h2")?.focus?.();
  } else {
    doing(`zoom.${panel.dataset.panel}`);
    const { toggle } = await import(ISLANDS.zoom);
    toggle(panel, control, request);
  }
});

const whenIdle = self.requestIdleCallback ?? ((work) => setTimeout(work, 200));
const measure = () => whenIdle(async () => (await import(ISLANDS.vitals)).start(actions));
if (document.readyState === "complete") measure();
else addEventListener("load", measure);
