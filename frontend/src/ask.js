// The answer page without page loads: forms and links of the sentence bring the next page's inside as it streams, and focus stays where it was.
import { patch } from "./patch.js";

const main = document.getElementById("main");
let latest = 0;

/** Where the focus is, told so that it can be found in the page to come. */
const place = () => {
  const at = document.activeElement;
  if (at?.id === "then" || at?.id === "q") return `#${at.id}`;
  const chips = [...document.querySelectorAll(".chips > .chip")];
  const index = chips.findIndex((chip) => chip.contains(at));
  return index < 0 ? "" : `.chips > .chip:nth-child(${index + 1}) summary`;
};

/** Put the inside of the page so far in place of what is shown. */
const show = (html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  const inside = page.getElementById("main");
  if (!inside?.querySelector(".asked")) return null;
  for (const template of inside.querySelectorAll("template[for]")) {
    patch(inside, template.getAttribute("for"), template.content);
    template.remove();
  }
  const status = document.getElementById("status");
  inside.querySelector("#status")?.replaceWith(status);
  main.replaceChildren(...inside.childNodes);
  return page;
};

const settle = (page, focus, say) => {
  document.title = page.title;
  for (const part of [".languages", ".top nav"]) {
    const [now, next] = [document, page].map((one) => one.querySelector(part));
    if (now && next) now.replaceWith(next);
  }
  const box = document.getElementById("q");
  const asked = page.getElementById("q");
  if (box && asked && focus !== "#q") box.value = asked.value;
  const target = (focus && document.querySelector(focus)) || document.getElementById("h-asked");
  target?.focus({ preventScroll: focus !== "" });
  say([...main.querySelectorAll("h1, section.panel h2, .refused")].map((one) => one.textContent).join(". "));
};

/** Go to `url` in place; with `push` it becomes a step of the history. */
export const go = async (url, push, { request, say, watch, doing }) => {
  const mine = ++latest;
  const focus = place();
  const began = performance.now();
  main.querySelector(".asked")?.setAttribute("aria-busy", "true");
  try {
    const answer = await request(url, { redirect: "follow", headers: { accept: "text/html" } });
    if (!answer.ok || !/\/ask$/.test(new URL(answer.url).pathname)) return location.assign(url);
    if (push) history.pushState({ ask: 1 }, "", answer.url);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let html = "";
    let page = null;
    for (let chunk; !(chunk = await reader.read()).done; ) {
      if (mine !== latest) return reader.cancel();
      html += chunk.value;
      page = show(html) ?? page;
    }
    if (mine !== latest) return;
    settle(page, focus, say);
    doing("ask", performance.now() - began);
    watch();
  } catch {
    location.assign(url);
  }
};
