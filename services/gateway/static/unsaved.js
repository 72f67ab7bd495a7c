// Whoever leaves a form that was changed and not saved is asked first. `data-refused`: what stands there was not taken.
const said = (form) => new URLSearchParams(new FormData(form)).toString();

export function askBeforeLeaving(form) {
  const before = said(form);
  let saving = false;
  addEventListener("submit", (event) => {
    if (event.target === form) saving = !event.defaultPrevented;
  });
  addEventListener("pageshow", () => {
    saving = false;
  });
  addEventListener("beforeunload", (event) => {
    if (!saving && ("refused" in form.dataset || said(form) !== before)) event.preventDefault();
  });
}
