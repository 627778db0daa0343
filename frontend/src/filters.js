// Filters live in the URL. A change asks only for the panels it touches; back and forward do the same.
import { request } from "./net.js";
import { refresh, say } from "./panels.js";
import { doing } from "./actions.js";

const ROW = /\.row$/;
const PLAIN = new Set(["lang", "inorder"]);

const canonical = (form) => {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  for (const [name, value] of new URLSearchParams(location.search)) if (name === "lang") query.append(name, value);
  return query;
};

const changed = (before, after) => {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !PLAIN.has(name) && before.getAll(name).join("\n") !== after.getAll(name).join("\n"));
};

const touched = (names, from = 0) =>
  [...document.querySelectorAll("section.panel")]
    .slice(from)
    .filter((panel) => names.some((name) => (panel.dataset.filters || "").split(" ").includes(name) || name.startsWith(`${panel.dataset.panel}.`)))
    .map((panel) => panel.dataset.panel);

/** What a closed list of check boxes says of itself, and whether there is anything to clear. */
const tell = (form) => {
  for (const list of form.querySelectorAll("details.multi")) {
    const chosen = [...list.querySelectorAll("input:checked")].map((box) => box.parentNode.textContent);
    const words = list.querySelector(".chosen");
    words.textContent = chosen.length < 2 ? (chosen[0] ?? words.dataset.none) : words.dataset.many.replace("{count}", chosen.length);
  }
  const clear = form.querySelector("[data-clear]");
  if (clear) clear.hidden = ![...canonical(form).keys()].some((name) => !PLAIN.has(name));
};

const fillIn = (form, query) => {
  for (const control of form.elements) {
    if (!control.name) continue;
    const values = query.getAll(control.name);
    if (control.type === "checkbox" || control.type === "radio") control.checked = values.includes(control.value);
    else if (control.multiple) for (const option of control.options) option.selected = values.includes(option.value);
    else control.value = values[0] ?? "";
  }
  tell(form);
};

let shown = new URLSearchParams(location.search);
const begun = shown;
/** How many panels the parser had come to at the first change; those behind came as the address was at first. */
let parsed;

/** Show the state `query`, whether it came from the form, a link or the history. */
const show = (query, push) => {
  const names = changed(shown, query);
  if (!names.length) return;
  const before = shown;
  shown = query;
  parsed ??= document.querySelectorAll("section.panel").length;
  const search = query.size ? `?${query}` : "";
  const row = names.find((name) => ROW.test(name));
  if (push) history.pushState(row && query.has(row) ? { row } : null, "", location.pathname + search);
  if (row) detail(row, query.get(row), before.get(row));
  const others = names.filter((name) => name !== row);
  if (!others.length) return;
  refresh(touched(others), query, `filter.${others.join(",")}`);
};

/** Leave a row that was closed: back to where it was opened, or on to the same page without it. */
const leave = (name) => {
  const query = new URLSearchParams(location.search);
  if (!query.has(name)) return;
  if (history.state?.row) return history.back();
  query.delete(name);
  show(query, true);
};

const detail = async (name, key, before) => {
  doing(key ? "row.open" : "row.close");
  if (key) say("");
  try {
    const island = await import(ISLANDS.detail);
    if (await island.show(name.replace(ROW, ""), key, before, request, () => leave(name))) return;
  } catch {}
  leave(name);
  say(document.documentElement.dataset.offline, true);
};

/** The link that a click means: one of ours, or that of the row it fell into, unless it marked text or hit something else. */
const meant = ({ target }) => {
  const link = target.closest?.("a[data-page-link], a.rl");
  if (link || target.closest?.("a, button, summary, [data-tip]") || getSelection().type === "Range") return link;
  return target.closest?.("section.panel tbody tr")?.querySelector("a.rl");
};

/** The bar, which may still be replaced by one with all its choices. */
const bar = () => document.getElementById("filters");
const inBar = (event) => event.target.closest?.("#filters");

const apply = (form) => {
  if (!form.reportValidity()) return;
  tell(form);
  show(canonical(form), true);
};

const follow = (event) => {
  const link = meant(event);
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const query = new URL(link.href).searchParams;
  const lang = new URLSearchParams(location.search).get("lang");
  query.delete("lang");
  if (lang) query.set("lang", lang);
  const form = bar();
  if (form) fillIn(form, query);
  if (link.className === "rl") link.focus({ preventScroll: true });
  show(query, true);
  if (link.className === "rl") return;
  if (link.hidden) form.querySelector("summary, select, input:not([type=hidden])")?.focus();
  const panel = link.closest("section.panel");
  panel?.setAttribute("tabindex", "-1");
  panel?.focus({ preventScroll: true });
  panel?.scrollIntoView({ block: "start" });
};

export const start = () => {
  const first = bar();
  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    if (bar()) fillIn(bar(), query);
    show(query, false);
  });
  document.addEventListener("click", follow);
  if (!first) return;
  addEventListener("load", () => bar() === first || fillIn(bar(), shown));
  let pending = 0;
  document.addEventListener("submit", (event) => {
    if (!inBar(event)) return;
    event.preventDefault();
    apply(bar());
  });
  document.addEventListener("change", (event) => inBar(event) && apply(bar()));
  document.addEventListener("input", (event) => {
    if (!inBar(event) || !/^(text|search)$/.test(event.target.type)) return;
    clearTimeout(pending);
    pending = setTimeout(() => apply(bar()), 300);
  });
  addEventListener("DOMContentLoaded", () => {
    const late = parsed === undefined ? [] : touched(changed(begun, shown), parsed);
    if (late.length) refresh(late, shown, "filter.late");
  });
  // What was chosen before this was here: nobody heard of it, and the button that would send it has gone. What a browser fills in on the
  // way back was not chosen now.
  const untouched = first.cloneNode(true);
  HTMLFormElement.prototype.reset.call(untouched);
  if (String(canonical(untouched)) === String(canonical(first))) return;
  if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") fillIn(first, shown);
  else apply(first);
};
