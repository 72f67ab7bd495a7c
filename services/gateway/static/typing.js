// Counts while one types, as the service does: every character but white space and what is not seen.
import { askBeforeLeaving } from "./unsaved.js";

const field = document.getElementById("text");
const told = document.getElementById("count");
const limit = Number(told.dataset.limit);
const NOT_COUNTED = /[\p{C}\p{Z}]/gu;
const LIGATURES = /[\ufb00-\ufb06]/g;
const AFTER_MS = 400; // a reader's voice is not to speak at every key
let waiting = 0;

function counted(text) {
  const plain = text.normalize("NFC").replace(LIGATURES, (each) => each.normalize("NFKC"));
  return [...plain.replace(NOT_COUNTED, "")].length;
}

function tell() {
  const found = counted(field.value);
  const over = Math.max(0, found - limit);
  const words = over ? told.dataset.over : told.dataset.within;
  told.textContent = words.replace("{found}", found).replace("{limit}", limit).replace("{over}", over);
  told.classList.toggle("bad", over > 0);
  field.setAttribute("aria-invalid", String(over > 0));
}

field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(tell, AFTER_MS);
});
askBeforeLeaving(document.getElementById("typing"));
tell();
