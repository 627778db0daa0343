// "/" goes to the box for questions, unless something is being written. Where it works stands the box that switches it off, which is
// what WCAG 2.1.4 asks of a single character; what is chosen there is kept in this browser.
const KEPT = "seawall.slash";

export const start = () => {
  const works = document.getElementById("slash");
  if (!works) return;
  const { form } = works;
  const hint = works.closest("details");
  const tell = () => form.q.setAttribute("aria-keyshortcuts", works.checked ? "/" : "");
  const recall = () => {
    try {
      works.checked = localStorage.getItem(KEPT) !== "off";
    } catch {} // no storage: it is on until this page is left
    tell();
  };
  recall();
  for (const type of ["pageshow", "storage"]) addEventListener(type, recall);
  works.addEventListener("change", () => {
    tell();
    try {
      localStorage.setItem(KEPT, works.checked ? "on" : "off");
    } catch {}
  });
  works.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault()); // else it would send the question
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || !works.checked || !hint.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
    event.preventDefault();
    form.q.select();
  });
};
