// Files are dropped on a component of the material, or picked.
import { place, take } from "./upload.js";

const { material } = place.dataset;
const zoneOf = (event) => event.target.closest?.(".component");

function taken(input) {
  take([...input.files], material, input.dataset.component);
  input.value = "";
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("input[type=file]")) taken(target);
});
// What was chosen before this script was here.
for (const input of document.querySelectorAll(".component input[type=file]")) if (input.files.length) taken(input);
document.addEventListener("dragover", (event) => {
  event.preventDefault(); // a file that misses its place must not replace the page
  zoneOf(event)?.querySelector(".drop")?.classList.add("over");
});
document.addEventListener("dragleave", (event) => zoneOf(event)?.querySelector(".drop")?.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const zone = zoneOf(event);
  if (!zone) return;
  zone.querySelector(".drop")?.classList.remove("over");
  take([...event.dataTransfer.files], material, zone.dataset.component);
});
