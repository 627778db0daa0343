// The parser waits for this after the first row of a page. A browser asks for it as soon as the first bytes are there,
// and meanwhile has nothing better to do than to paint: the head, the filters and the first row, before it lays out the charts below.
// All other script comes after that: fetched and compiled earlier, it would take the time in which the row could be painted.
performance.mark("first-row");
const load = () => {
  for (const src of document.querySelector("meta[name=scripts]").content.split(" "))
    document.head.append(Object.assign(document.createElement("script"), { type: "module", src }));
};
if (document.hidden) load();
else requestAnimationFrame(() => setTimeout(load));
