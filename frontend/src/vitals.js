// Real-user measurements: web vitals and how long actions took, sent once when the page is left.
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";

/** Measure from now on; `actions` is the list of what the user did, emptied when it is sent. */
export const start = (actions) => {
  const main = document.getElementById("main");
  // Which of the server's traces made this page: `traceparent;desc="00-TRACE-SPAN-01"`.
  const [page_load] = performance.getEntriesByType("navigation");
  const trace_id = page_load?.serverTiming?.find(({ name }) => name === "traceparent")?.description.split("-")[1] ?? "";
  const metrics = new Map();
  const note = ({ name, value, rating, id }) => metrics.set(name, { name, value: Math.round(value * 1000) / 1000, rating, id });
  for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(note, { reportAllChanges: true });

  const send = () => {
    if (!metrics.size && !actions.length) return;
    const { app, page, watermark, release } = main.dataset;
    const body = { page, release, watermark, trace_id, metrics: [...metrics.values()], actions: actions.splice(0) };
    metrics.clear();
    fetch(`/${app}/api/vitals`, {
      method: "POST",
      keepalive: true,
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }).catch(() => {});
  };
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
  addEventListener("pagehide", send);
};
