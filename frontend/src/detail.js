// One row in full, in a dialog. Without script the row's link shows the same as a section of the page.
let dialog;
let asked = 0;

const rowLink = (key) => [...document.querySelectorAll("a.rl")].find((link) => link.href.endsWith(key));

const made = (closed) => {
  const element = document.createElement("dialog");
  element.className = "detail";
  element.setAttribute("aria-labelledby", "h-row-detail");
  element.addEventListener("close", closed);
  element.addEventListener("click", (event) => event.target === element && element.close());
  return document.body.appendChild(element);
};

/** Show the row `key` of `panel`; without a key end what is shown. `closed` is called when the user closes it. */
export const show = async (panel, key, before, request, closed) => {
  const mine = ++asked;
  const section = document.getElementById("row-detail");
  section?.remove();
  if (!key) {
    dialog?.close();
    // The browser gives the focus back, but not when it goes back to an address with a fragment, such as after "Skip to content".
    const link = rowLink(before) ?? document.querySelector(`[id="panel-${panel}"] a.rl`);
    setTimeout(() => document.activeElement === document.body && link?.focus({ preventScroll: !section }));
    return true;
  }
  const { app } = document.getElementById("main").dataset;
  const answer = await request(`/${app}/api/panels/${panel}/rows/${encodeURIComponent(key)}?format=html&lang=${document.documentElement.lang}`);
  if (!/^text\/html/.test(answer.headers.get("content-type"))) return false;
  const html = await answer.text();
  if (mine !== asked) return true;
  dialog ??= made(closed);
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  return true;
};
