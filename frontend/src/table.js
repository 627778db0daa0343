// The numbers of a chart, put where the link to them stands. When they cannot be had the link stays: it leads to the same table.
const asked = new WeakSet();

/** Put the table that `link` leads to in its place. */
export const fill = async (link, request) => {
  if (asked.has(link)) return;
  asked.add(link);
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await request(link.href);
    const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".scroll");
    if (!found) return;
    const focused = document.activeElement === link;
    link.replaceWith(found);
    if (focused) found.focus();
  } catch {
    // offline: the link stays
  } finally {
    link.removeAttribute("aria-busy");
    asked.delete(link);
  }
};
