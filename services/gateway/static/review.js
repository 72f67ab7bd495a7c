// The reviewer's screen: keyboard, zoom, jumping, and the next material fetched before it is asked for.
import { sayUnreached, unsay } from "./unreached.js";

const screen = document.getElementById("screen");
const keys = document.getElementById("keys");
const ahead = new Map(); // address → promise of its fragment
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];
let zoom = 2;

const inner = () => screen.querySelector(".screen");

function fetchScreen(address) {
  return fetch(address, { headers: { "X-Fragment": "1", Accept: "text/html" } }).then(async (answer) => {
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer.text();
  });
}

// The next open material with its first page, so that a key press shows it at once.
function preload() {
  const next = inner().dataset.next;
  for (const known of ahead.keys()) if (known !== next) ahead.delete(known);
  if (!next.includes("/materials/") || ahead.has(next)) return;
  const coming = fetchScreen(next);
  ahead.set(next, coming);
  coming.then((html) => {
    const first = new DOMParser().parseFromString(html, "text/html").querySelector(".pages img, video");
    if (first) new Image().src = first.getAttribute("poster") || first.getAttribute("src");
  }, () => ahead.delete(next));
}

async function go(address, { push = true } = {}) {
  if (!address) return;
  if (!address.includes("/materials/")) { location.assign(address); return; }
  let html;
  try {
    html = await (ahead.get(address) || fetchScreen(address));
  } catch {
    location.assign(address);
    return;
  }
  ahead.delete(address);
  show(html);
  if (push) history.pushState(null, "", address);
}

function show(html) {
  screen.innerHTML = html;
  globalThis.htmx?.process(screen); // a sheet that is fetched when it is unfolded
  document.title = inner().dataset.title;
  screen.querySelector(".list .here")?.scrollIntoView({ block: "nearest" });
  window.scrollTo(0, 0);
  ready();
}

// The page after the one that is looked at is fetched before it is turned to.
const looked = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    const next = isIntersecting && target.nextElementSibling?.querySelector("img");
    if (next) next.loading = "eager";
  }
});

function ready() {
  applyZoom();
  looked.disconnect();
  for (const figure of screen.querySelectorAll(".pages figure")) looked.observe(figure);
  toPage(screen.querySelector(".hits a"));
  const first = screen.querySelector(".pages img");
  performance.mark("material-shown");
  if (!first || first.complete) preload();
  else first.addEventListener("load", preload, { once: true });
}

// A form is sent in the background; its answer leads to the next material, or is the screen with what went wrong.
async function send(form) {
  const button = form.querySelector("button:not([type=button])");
  button.disabled = true;
  unsay(form);
  const next = inner().dataset.next;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Fragment": "1", Accept: "text/html" } });
    if (answer.ok && answer.redirected && answer.url.endsWith(next) && next.includes("/materials/")) {
      ahead.delete(next);
      show(await answer.text());
      history.pushState(null, "", next);
    } else if (answer.status === 401) {
      form.submit(); // what was typed goes along to the door and comes back
    } else if (answer.redirected) {
      location.assign(answer.url);
    } else {
      show(await answer.text());
    }
  } catch {
    button.disabled = false;
    sayUnreached(form);
  }
}

function applyZoom() {
  for (const pages of screen.querySelectorAll(".pages")) {
    pages.dataset.zoom = String(zoom);
    if (ZOOMS[zoom] <= 1.25) continue;
    for (const image of pages.querySelectorAll("img")) {
      const large = image.getAttribute("src").replace("width=1200", "width=2400");
      if (image.getAttribute("src") !== large) image.setAttribute("src", large);
    }
  }
}

// Without leaving an address behind, which would be one more step on the way back.
function toPage(link) {
  if (link) document.getElementById(link.hash.slice(1))?.scrollIntoView({ block: "start" });
}

function zoomBy(step) {
  zoom = step === "0" ? 2 : Math.max(0, Math.min(ZOOMS.length - 1, zoom + (step === "+" ? 1 : -1)));
  applyZoom();
}

function pageBy(step) {
  const figures = [...screen.querySelectorAll(".pages:not([hidden]) figure")];
  if (!figures.length) return;
  const box = figures[0].parentElement;
  const top = box.getBoundingClientRect().top;
  const at = figures.findLastIndex((figure) => figure.getBoundingClientRect().top - top < 40);
  figures[Math.max(0, Math.min(figures.length - 1, Math.max(at, 0) + step))].scrollIntoView({ block: "start" });
}

function version(which) {
  const pages = screen.querySelectorAll(".pages");
  if (pages.length < 2) return;
  const chosen = which || (screen.querySelector('.pages[data-show="before"]').hidden ? "before" : "now");
  for (const each of pages) each.hidden = each.dataset.show !== chosen;
  for (const button of screen.querySelectorAll("[data-version]")) button.setAttribute("aria-pressed", String(button.dataset.version === chosen));
}

function play() {
  const video = screen.querySelector("video");
  if (!video) return false;
  if (video.paused) video.play(); else video.pause();
  return true;
}

// A closed dialog lets go of the focus only when the page is next drawn; until then Enter would press its hidden button.
function closeKeys() {
  keys.close();
  if (keys.contains(document.activeElement)) document.activeElement.blur();
}

const confirmation = (n) => screen.querySelectorAll("#confirmation [type=checkbox]")[n];
const acts = {
  1: () => confirmation(0)?.click(), 2: () => confirmation(1)?.click(), 3: () => confirmation(2)?.click(),
  Enter: () => screen.querySelector("#confirmation")?.requestSubmit(),
  n: () => go(inner().dataset.next), j: () => go(inner().dataset.following), k: () => go(inner().dataset.previous),
  g: () => location.assign(inner().dataset.decision), q: () => location.assign("/review"),
  d: () => screen.querySelector("#reason")?.focus(), b: () => version(), "/": () => screen.querySelector("#query")?.focus(),
  "[": () => pageBy(-1), "]": () => pageBy(1), "+": () => zoomBy("+"), "=": () => zoomBy("+"), "-": () => zoomBy("-"), 0: () => zoomBy("0"),
  "?": () => (keys.open ? closeKeys() : keys.showModal()),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { target } = event;
  const typing = target.matches("textarea, input:not([type=checkbox]), select");
  if (event.key === "Escape" && typing) { target.blur(); return; }
  if (typing || (keys.open && event.key !== "?")) return;
  const pressing = target.matches("a, button, video, summary");
  if (event.key === " " && !pressing && !target.matches("[type=checkbox]")) { if (play()) event.preventDefault(); return; }
  if (event.key === "Enter" && pressing) return;
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-go]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); go(link.getAttribute("href")); return; }
  const small = event.target.closest(".strip a, .hits a");
  if (small && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); toPage(small); return; }
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.zoom) zoomBy(button.dataset.zoom);
  if (button.dataset.version) version(button.dataset.version);
  if (button.dataset.phrase) {
    const reason = screen.querySelector("#reason");
    if (!reason.value.includes(button.dataset.phrase)) reason.value = [reason.value.trim(), button.dataset.phrase].filter(Boolean).join("\n");
    reason.focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.id === "jump") document.getElementById(`page-${event.target.value}`)?.scrollIntoView({ block: "start" });
});

document.addEventListener("submit", (event) => {
  if (!screen.contains(event.target)) return;
  event.preventDefault();
  if (event.target.method === "get") {
    go(`${event.target.getAttribute("action")}?${new URLSearchParams(new FormData(event.target))}`);
    return;
  }
  send(event.target);
});

addEventListener("popstate", () => go(location.pathname + location.search, { push: false }));
// A download link that has expired while the video stood still: ask for a fresh one and go on from there.
document.addEventListener("error", (event) => {
  const video = event.target;
  if (!(video instanceof HTMLVideoElement) || video.dataset.again === String(video.currentTime)) return;
  video.dataset.again = String(video.currentTime);
  const { currentTime } = video;
  video.load();
  video.currentTime = currentTime;
}, true);

ready();
