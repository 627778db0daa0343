// Filter values that do not fit, in the server's words: a summary before the form, and each told at its control, as filters.py draws them.
const mark = (name, words) => {
  const element = document.getElementById(`f-${name}`);
  const field = element?.closest(".field");
  if (!field) return;
  const list = element.matches("details");
  const control = list ? element.firstElementChild : element;
  const id = `e-${name}`;
  const ids = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  field.querySelector(".error")?.remove();
  field.classList.toggle("wrong", !!words);
  if (words) {
    const error = document.createElement("p");
    error.className = "error";
    error.id = id;
    error.textContent = words;
    field.prepend(error);
    ids.unshift(id);
  }
  const set = (attribute, value) => (value ? control.setAttribute(attribute, value) : control.removeAttribute(attribute));
  set("aria-describedby", ids.join(" "));
  if (!list) set("aria-invalid", words && "true");
};

/** Show the summary `html`, or take away what is shown when there is none. The same again is not said again. */
export const tell = (html) => {
  const before = document.querySelector(".error-summary");
  if ((before?.outerHTML ?? "") === html) return;
  for (const link of before?.querySelectorAll("a") ?? []) mark(link.hash.slice(3), "");
  before?.remove();
  document.getElementById("filters")?.insertAdjacentHTML("beforebegin", html);
  for (const link of document.querySelectorAll(".error-summary a")) mark(link.hash.slice(3), link.querySelector("span").textContent);
};
