// A whole folder at once: the server suggests where each file belongs, a person confirms, then they are sent.
import { api, place, take, words } from "./upload.js";

const table = document.getElementById("sorting");
const zone = document.getElementById("folder");
const AT_ONCE = 500; // names in one question

// Every file below a dropped entry, with its folders as name.
async function below(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => { entry.file(done, failed); });
    return [{ path: path + file.name, file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => { reader.readEntries(done, failed); });
    if (!some.length) break;
    for (const each of some) found.push(...await below(each, `${path}${entry.name}/`));
  }
  return found;
}

const shown = ({ path }) => !path.split("/").some((part) => part.startsWith(".") || /^(thumbs\.db|desktop\.ini)$/i.test(part));

async function suggestions(files) {
  const paths = files.map(({ path }) => path.slice(0, 1000));
  const found = { places: [], files: [] };
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = await api("POST", "", { paths: paths.slice(at, at + AT_ONCE) }, undefined, { url: table.dataset.suggestions });
    found.places = some.places;
    found.files.push(...some.files);
  }
  return found;
}

async function sort(dropped) {
  const files = dropped.filter(shown);
  if (!files.length) return;
  const { places, files: suggested } = await suggestions(files);
  const body = table.querySelector("tbody");
  body.replaceChildren(...files.map((each, at) => row(each, places, suggested[at])));
  table.hidden = false;
  table.scrollIntoView({ block: "nearest" });
}

function row(each, places, suggested) {
  const line = document.createElement("tr");
  const name = document.createElement("td");
  name.textContent = each.path;
  const cell = document.createElement("td");
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", each.path);
  choice.append(new Option(words.skip, ""));
  for (const where of places) {
    if (where.is_video !== /\.mp4$/i.test(each.path)) continue;
    const value = `${where.material_id}/${where.component_id}`;
    const chosen = suggested.material_id === where.material_id && suggested.component_id === where.component_id;
    choice.append(new Option(where.label, value, chosen, chosen));
  }
  cell.append(choice);
  line.append(name, cell);
  line.send = () => { if (choice.value) take([each.file], ...choice.value.split("/")); };
  return line;
}

table.querySelector("button.primary").addEventListener("click", () => {
  for (const line of table.querySelectorAll("tbody tr")) line.send();
  table.hidden = true;
  place.scrollIntoView({ block: "nearest" });
});
table.querySelector("button.link").addEventListener("click", () => { table.hidden = true; });

const input = zone.querySelector("input");
function chosen() {
  const files = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = "";
  sort(files);
}
input.addEventListener("change", chosen);
if (input.files.length) chosen(); // before this script was here
document.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
document.addEventListener("dragleave", () => zone.classList.remove("over"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = await Promise.all(entries.map((entry) => below(entry)));
  sort(found.flat());
});
