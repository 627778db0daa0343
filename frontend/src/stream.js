// Panels out of order, for browsers without <template for> (https://html.spec.whatwg.org/multipage/scripting.html).
// Where the browser does it, no such template is left in <main>, and this finds nothing to do.
import { patch } from "./patch.js";

// The last template may still be arriving: it is taken when something follows it, or the document is whole.
const settle = (whole) => {
  for (const template of document.querySelectorAll("main > template[for]")) {
    if (!whole && !template.nextElementSibling) continue;
    patch(template.parentNode, template.getAttribute("for"), template.content);
    template.remove();
  }
};
const watcher = new MutationObserver(() => settle());
watcher.observe(document.documentElement, { childList: true, subtree: true });
const finish = () => {
  watcher.disconnect();
  settle(true);
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", finish);
else finish();
