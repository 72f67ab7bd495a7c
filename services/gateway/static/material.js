// Files are dropped on a component of the material, or picked.
import { place, take } from "./upload.js";

const { material } = place.dataset;
const zoneOf = (event) => event.target.closest?.(".component");

document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.type !== "file") return;
  take([...input.files], material, input.dataset.component);
  input.value = "";
});
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
