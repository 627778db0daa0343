// Puts new content into panels, from a stream of <template for="name">…</template>.
import { request } from "./net.js";
import { doing } from "./actions.js";
import { patch } from "./patch.js";

const section = (name) => document.getElementById(`panel-${name}`);
const COMPLETE = /<template for="([\w-]+)">([\s\S]*?)<\/template>/g;

const place = (name, html) => {
  const target = section(name);
  if (!target) {
    const held = document.createElement("template");
    held.innerHTML = html;
    patch(document.getElementById("main"), name, held.content);
    return;
  }
  const focused = target.contains(document.activeElement) ? document.activeElement.id : "";
  target.innerHTML = html;
  target.removeAttribute("aria-busy");
  if (focused) document.getElementById(focused)?.focus();
};

let running = null;
/** Panels that are asked for: what a new request interrupts is asked for again with it. */
const waiting = new Set();

/** Fetch `names` for the page's state `search` and put each in place as it arrives; quietly when it was no `action` of the user. */
export const refresh = async (names, search, action) => {
  const quiet = !action;
  for (const name of names) waiting.add(name);
  if (!waiting.size) return;
  const { app, page } = document.getElementById("main").dataset;
  running?.abort();
  const mine = (running = new AbortController());
  if (!quiet) {
    for (const name of waiting) section(name)?.setAttribute("aria-busy", "true");
    tried.clear();
    say("");
  }
  const besides = { "filter-problems": "", status: "" };
  const query = new URLSearchParams([...new URLSearchParams(search)].filter(([name]) => !/^panels$|\.row$/.test(name)));
  query.append("panels", [...waiting].join(","));
  const started = performance.now();
  try {
    const answer = await request(`/${app}/api/pages/${page}/fragments?${query}`, { signal: mine.signal, headers: { accept: "text/html" } });
    if (!answer.ok || !answer.body) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", chunk; !(chunk = await reader.read()).done; ) {
      rest += chunk.value;
      let end = 0;
      for (const found of rest.matchAll(COMPLETE)) {
        if (found[1] in besides) besides[found[1]] = found[2];
        else place(found[1], found[2]);
        end = found.index + found[0].length;
      }
      rest = rest.slice(end);
    }
    doing(action || "panels.late", performance.now() - started);
    if (!quiet) {
      if (besides["filter-problems"] || document.querySelector(".error-summary")) (await import(ISLANDS.problems)).tell(besides["filter-problems"]);
      say(besides.status);
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!quiet) say(document.documentElement.dataset.offline || "");
  } finally {
    if (running === mine) {
      for (const name of waiting) section(name)?.removeAttribute("aria-busy");
      waiting.clear();
      running = null;
      watch();
    }
  }
};

const AGAIN_MS = 1000;
const tried = new Set();
const late = () => [...document.querySelectorAll("[data-again]")].map((one) => one.closest("section.panel").dataset.panel);

/** Panels whose answer came too late for them are asked for once more, quietly. */
export const watch = () =>
  setTimeout(async () => {
    const names = running ? [] : late().filter((name) => !tried.has(name));
    if (!names.length) return;
    for (const name of names) tried.add(name);
    await refresh(names, location.search);
    const still = late();
    const come = names.filter((name) => !still.includes(name));
    if (come.length) say(come.map((name) => section(name).querySelector("h2").textContent).join(". "));
  }, AGAIN_MS);

/** Tell those who listen rather than look. */
export const say = (words) => {
  const status = document.getElementById("status");
  if (status && status.textContent !== words) status.textContent = words;
};
