// What a page does once it is there. Everything works without it; with it, changes come without a page load.
import { doing } from "./actions.js";
import { start as charts } from "./charts.js";
import { start as filters } from "./filters.js";
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
    const { toggle } = await import("./zoom.js");
    toggle(panel, control);
  }
});

const whenIdle = self.requestIdleCallback ?? ((work) => setTimeout(work, 200));
const measure = () => whenIdle(() => import("./vitals.js"));
if (document.readyState === "complete") measure();
else addEventListener("load", measure);
