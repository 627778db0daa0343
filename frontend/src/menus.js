// Menus that open over the page: one goes when somebody turns to anything else, or presses Escape.
const open = () => [...document.querySelectorAll("details[open] > .menu")].map((menu) => menu.parentNode);

const keep = (place) => {
  for (const one of open()) if (!one.contains(place)) one.open = false;
};

export const start = () => {
  document.addEventListener("click", ({ target }) => keep(target));
  document.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && keep(relatedTarget));
  document.addEventListener("keydown", ({ key }) => {
    const [one] = key === "Escape" ? open() : [];
    if (!one) return;
    one.open = false;
    one.querySelector("summary").focus();
  });
};
