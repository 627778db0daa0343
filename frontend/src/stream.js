// Panels out of order, for browsers without <template for> (https://html.spec.whatwg.org/multipage/scripting.html).
// Where the browser does it, no such template is left in <main>, and this finds nothing to do. A filled range or marker
// goes away with its filling, as it does natively: rows that want more rows after them bring their own marker.
const COMMENT_OR_INSTRUCTION = 192;
const words = (node) => (node.target ? `?${node.target} ` : "") + node.data;
const fill = (template) => {
  const nodes = document.createTreeWalker(template.parentNode, COMMENT_OR_INSTRUCTION);
  for (let node; (node = nodes.nextNode()); ) {
    const [, kind, name] = /^\?(start|marker) name="([^"]*)"/.exec(words(node)) || [];
    if (name !== template.getAttribute("for")) continue;
    node.before(template.content);
    while (kind === "start" && node.nextSibling) {
      const next = node.nextSibling;
      const end = next.nodeType > 3 && /^\?end/.test(words(next));
      next.remove();
      if (end) break;
    }
    node.remove();
    break;
  }
  template.remove();
};
// The last template may still be arriving: it is taken when something follows it, or the document is whole.
const settle = (whole) => {
  for (const template of document.querySelectorAll("main > template[for]")) {
    if (whole || template.nextElementSibling) fill(template);
  }
};
const watcher = new MutationObserver(() => settle(false));
watcher.observe(document.documentElement, { childList: true, subtree: true });
const finish = () => {
  watcher.disconnect();
  settle(true);
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", finish);
else finish();
