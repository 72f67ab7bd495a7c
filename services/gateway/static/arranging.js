// Pages are dragged between components, moved, turned and left out; the form's own fields always say the same.
import { askBeforeLeaving } from "./unsaved.js";

const form = document.getElementById("arrangement");
const words = form.dataset;
const lists = () => [...form.querySelectorAll(".leaf-list")];
const componentOf = (card) => card.closest(".leaves").dataset.component;
let dragged = null;

function button(text, act, card) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "link";
  made.textContent = text;
  made.setAttribute("aria-label", `${text} ${card.querySelector("img").alt}`);
  made.addEventListener("click", () => {
    act(card);
    settle();
    made.focus();
  });
  return made;
}

function step(card, back) {
  const other = back ? card.previousElementSibling : card.nextElementSibling;
  if (other) back ? other.before(card) : other.after(card);
}

function turn(card) {
  const field = card.querySelector("[name^='turn.']");
  field.value = String((Number(field.value) + 90) % 360);
}

function toggle(card) {
  if (componentOf(card)) {
    card.dataset.home = componentOf(card);
    form.querySelector("#left-out .leaf-list").append(card);
  } else {
    const home = form.querySelector(`[data-component="${card.dataset.home || lists()[0].closest(".leaves").dataset.component}"]`);
    home.querySelector(".leaf-list").append(card);
  }
}

// What is seen goes into the fields: the place counts through all components.
function settle() {
  let place = 0;
  for (const list of lists()) {
    const section = list.closest(".leaves");
    const cards = [...list.children];
    const count = section.querySelector(".number");
    count.textContent = count.textContent.replace(/\d+/, String(cards.length));
    for (const card of cards) {
      card.querySelector("[name^='place.']").value = String(++place);
      card.querySelector("[name^='component.']").value = section.dataset.component;
      card.dataset.turn = card.querySelector("[name^='turn.']").value;
      card.querySelector(".toggle").textContent = section.dataset.component ? words.off : words.on;
    }
  }
}

// A field that was changed by hand moves the page.
function follow({ target }) {
  const card = target.closest(".leaf");
  if (!card) return;
  if (target.name.startsWith("component.")) {
    form.querySelector(`.leaves[data-component="${target.value}"] .leaf-list`).append(card);
  } else if (target.name.startsWith("place.")) {
    const list = card.parentElement;
    const others = [...list.children].filter((each) => each !== card);
    const before = others.find((each) => Number(each.querySelector("[name^='place.']").value) >= Number(target.value));
    before ? before.before(card) : list.append(card);
  }
  settle();
}

for (const card of form.querySelectorAll(".leaf")) {
  const row = document.createElement("p");
  row.className = "moves";
  row.append(
    button(words.before, (each) => step(each, true), card),
    button(words.behind, (each) => step(each, false), card),
    button(words.turn, turn, card),
  );
  const off = button(words.off, toggle, card);
  off.classList.add("toggle");
  row.append(off);
  card.querySelector(".controls").before(row);
}
form.addEventListener("change", follow);
form.addEventListener("dragstart", (event) => {
  dragged = event.target.closest(".leaf");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged?.id ?? "");
});
form.addEventListener("dragend", () => {
  dragged = null;
});
form.addEventListener("dragover", (event) => {
  const section = event.target.closest(".leaves");
  if (!dragged || !section) return;
  event.preventDefault();
  const over = event.target.closest(".leaf");
  if (over === dragged) return;
  if (over) {
    const middle = over.getBoundingClientRect().left + over.offsetWidth / 2;
    event.clientX < middle ? over.before(dragged) : over.after(dragged);
  } else if (!section.contains(dragged)) {
    section.querySelector(".leaf-list").append(dragged);
  }
});
form.addEventListener("drop", (event) => {
  if (!dragged) return;
  event.preventDefault();
  settle();
});
form.classList.add("scripted");
settle();
askBeforeLeaving(form);
