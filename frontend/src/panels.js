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

/** Fetch `names` for the page's state `search` and put each in place as it arrives. */
export const refresh = async (names, search) => {
  if (!names.length) return;
  const { app, page } = document.getElementById("main").dataset;
  running?.abort();
  const mine = (running = new AbortController());
  for (const name of names) section(name)?.setAttribute("aria-busy", "true");
  const query = new URLSearchParams(search);
  query.delete("panels");
  query.append("panels", names.join(","));
  const started = performance.now();
  try {
    const answer = await request(`/${app}/api/pages/${page}/fragments?${query}`, { signal: mine.signal, headers: { accept: "text/html" } });
    if (!answer.ok || !answer.body) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", chunk; !(chunk = await reader.read()).done; ) {
      rest += chunk.value;
      let end = 0;
      for (const found of rest.matchAll(COMPLETE)) {
        place(found[1], found[2]);
        end = found.index + found[0].length;
      }
      rest = rest.slice(end);
    }
    doing("panels.updated", performance.now() - started);
    say("");
  } catch (error) {
    if (error.name === "AbortError") return;
    say(document.documentElement.dataset.offline || "");
  } finally {
    if (running === mine) for (const name of names) section(name)?.removeAttribute("aria-busy");
  }
};

/** Tell those who listen rather than look. */
export const say = (words) => {
  const status = document.getElementById("status");
  if (status && status.textContent !== words) status.textContent = words;
};
