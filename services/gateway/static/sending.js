// What was typed into a form is not given to a connection that is away: the browser would show an error in its place.
import { sayUnreached, unsay } from "./unreached.js";

const ANSWER_MS = 15_000;
let passed = null;

async function serverAnswers() {
  try {
    await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const { submitter } = event;
  if (event.defaultPrevented || !("typed" in form.dataset) || form === passed) return;
  event.preventDefault();
  if (form.hasAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const answered = await serverAnswers();
  form.removeAttribute("aria-busy");
  unsay(form);
  if (!answered) {
    sayUnreached(form);
    return;
  }
  passed = form;
  form.requestSubmit(submitter);
  passed = null;
});
