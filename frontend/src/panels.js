// Puts new content into panels, from a stream of <template for="name">…</template>.
import { request } from "./net.js";
import { doing } from "./actions.js";
import { isOpen, patch } from "./patch.js";

const section = (name) => document.getElementById(`panel-${name}`);
const COMPLETE = /<template for="([\w-]+)">([\s\S]*?)<\/template>/g;

/** Ours are named apart from those of the page, whose own stream may not have ended: what comes late for another state must find nothing. */
const OURS = "~";

/** Change what a panel shows. Focus that was in it stays at the same control, or at least in the panel; an open table stays open. */
const redraw = (target, change) => {
  const had = document.activeElement;
  const inside = target.contains(had) && had !== target;
  const table = target.querySelector("details.data[open]");
  change();
  target.removeAttribute("aria-busy");
  if (table) target.querySelector("details.data")?.setAttribute("open", "");
  if (!inside || target.contains(had)) return;
  target.tabIndex = -1;
  ((had.id && document.getElementById(had.id)) || target).focus({ preventScroll: true });
};

const place = (name, received) => {
  const html = received.replaceAll('<?marker name="', `$&${OURS}`);
  const target = section(name);
  if (target) return redraw(target, () => (target.innerHTML = html));
  const held = document.createElement("template");
  held.innerHTML = html;
  patch(document.getElementById("main"), OURS + name, held.content);
};

/** What a panel shows does not belong to the state of the page, and what does could not be had: say so, with a way to try again. */
const lose = (target) => {
  const { offline, tryAgain } = document.documentElement.dataset;
  const body = target.querySelector(".panel-body") ?? target;
  const title = target.querySelector("h2");
  const words = target.querySelector(".definition");
  const failed = document.createElement("div");
  const strong = document.createElement("strong");
  const button = document.createElement("button");
  failed.className = "failed";
  failed.style.minBlockSize = `${Math.min(body.offsetHeight, 600)}px`;
  strong.textContent = offline;
  button.className = "button";
  button.dataset.retry = "";
  button.dataset.lost = "";
  button.textContent = tryAgain;
  failed.append(strong, button);
  redraw(target, () => {
    if (title?.dataset.title) {
      title.className = "";
      title.textContent = title.dataset.title;
      words.textContent = words.textContent.slice(title.textContent.length + 2);
      delete title.dataset.title;
    }
    body.replaceChildren(failed);
    target.querySelector(".panel-foot")?.replaceChildren();
    target.querySelector(".age")?.remove();
  });
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
  const placed = new Set();
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
        placed.add(found[1]);
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
      for (const target of [...waiting].map(section)) {
        if (target && (isOpen(target) || (!quiet && !placed.has(target.dataset.panel)))) lose(target);
        target?.removeAttribute("aria-busy");
      }
      waiting.clear();
      running = null;
      watch();
    }
  }
};

const AGAIN_MS = 1000;
const tried = new Set();
let whole = false;
const late = () =>
  [...document.querySelectorAll("section.panel")]
    .filter((one) => one.querySelector("[data-again]") || (whole && isOpen(one)))
    .map((one) => one.dataset.panel);

/** Panels whose answer came too late for them are asked for once more, quietly. */
export const watch = () =>
  setTimeout(async () => {
    const names = running ? [] : late().filter((name) => !tried.has(name));
    if (!names.length) return;
    for (const name of names) tried.add(name);
    await refresh(names, location.search);
    const come = names.map(section).filter((one) => one && !one.querySelector("[data-again], [data-lost]"));
    if (come.length) say(come.map((one) => one.querySelector("h2")?.textContent).join(". "));
  }, AGAIN_MS);

/** The page has ended. Panels that it has not filled by now were cut off with it, and are asked for like those that are late. */
export const ended = () => {
  whole = true;
  watch();
};

const STILL_MS = 6000;

/** Ends a page that broke off, of which a browser may never tell: nothing came for longer than the server waits for anything. */
export const listen = (before) => {
  if (whole) return;
  const open = [...document.querySelectorAll("section.panel")].filter(isOpen).length;
  if (open && open === before) ended();
  else setTimeout(listen, STILL_MS, open);
};

/** Tell those who listen rather than look, or everybody: what is `seen` stays until something else is said. */
export const say = (words, seen = false) => {
  const status = document.getElementById("status");
  if (!status) return;
  status.classList.toggle("sr", !seen);
  if (status.textContent !== words) status.textContent = words;
};
