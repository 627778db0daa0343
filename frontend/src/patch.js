// Finds `<?start name="x">…<?end>` and `<?marker name="x">` and puts content there, as `<template for="x">` does natively:
// what is filled goes away with its filling. Browsers that do not know processing instructions in HTML keep them as comments.
const COMMENT_OR_INSTRUCTION = 192;
const words = (node) => (node.target ? `?${node.target} ` : "") + node.data;

/** Whether something is still to come in `root`. A marker for more rows says nothing: it is left over when there are no more. */
export const isOpen = (root) => {
  const nodes = document.createTreeWalker(root, COMMENT_OR_INSTRUCTION);
  for (let node; (node = nodes.nextNode()); ) if (/^\?(start |marker name="[^"]*-end")/.test(words(node))) return true;
  return false;
};

export const patch = (root, wanted, content) => {
  const nodes = document.createTreeWalker(root, COMMENT_OR_INSTRUCTION);
  for (let node; (node = nodes.nextNode()); ) {
    const [, kind, name] = /^\?(start|marker) name="([^"]*)"/.exec(words(node)) || [];
    if (name !== wanted) continue;
    node.before(content);
    while (kind === "start" && node.nextSibling) {
      const next = node.nextSibling;
      const end = next.nodeType > 3 && /^\?end/.test(words(next));
      next.remove();
      if (end) break;
    }
    node.remove();
    return;
  }
};
