// Files are dropped on a component of the material, or picked.
import { place, take } from "./upload.js";

const { material } = place.dataset;
const picker = document.getElementById("picker");
const zoneOf = (event) => event.target.closest?.(".component");

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.drop");
  if (!button) return;
  picker.dataset.component = button.dataset.component;
  picker.click();
});
picker.addEventListener("change", () => {
  take([...picker.files], material, picker.dataset.component);
  picker.value = "";
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
