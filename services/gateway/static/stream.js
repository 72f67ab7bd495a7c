// One event stream per browser, however many tabs: the tab that holds the lock listens and tells the others.
// Every tab knows the number of the last change it has seen; whoever listens next goes on from there.
const channel = new BroadcastChannel("shenbao-changes");
const notice = document.getElementById("away");
let last = Number(document.body.dataset.seq) || 0;

// What a person has unfolded stays so when a part is made anew.
window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");

function refresh(change) {
  for (const part of document.querySelectorAll("[data-live]")) {
    // "reload": changes since the page was made are not kept any more, so everything is read anew.
    const mine = part.dataset.live === "*" || part.dataset.live === change.dossier || change.kind === "reload";
    const material = part.dataset.liveMaterial;
    if (mine && (!material || !change.material || material === change.material)) window.htmx.trigger(part, "live");
  }
}

function refreshAll() {
  for (const part of document.querySelectorAll("[data-live]")) window.htmx.trigger(part, "live");
}

function heard(seq, change) {
  if (seq <= last) return;
  last = seq;
  refresh(change);
}

channel.onmessage = ({ data }) => {
  if (data.seq) heard(data.seq, data.change);
  if (data.away !== undefined) notice.hidden = !data.away;
};

function away(state) {
  notice.hidden = !state;
  channel.postMessage({ away: state });
}

function listen() {
  return new Promise((over) => {
    const source = new EventSource(`/events?after=${last}`);
    let lost = false;
    source.addEventListener("open", () => { lost = false; away(false); });
    source.addEventListener("change", (event) => {
      const seq = Number(event.lastEventId);
      const change = JSON.parse(event.data);
      channel.postMessage({ seq, change });
      heard(seq, change);
    });
    source.addEventListener("signed-out", () => { source.close(); over(); });
    source.addEventListener("error", () => {
      lost = true;
      setTimeout(() => { if (lost) away(true); }, 3000);
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(over, 2000); }
    });
  });
}

async function hold() {
  for (;;) {
    await navigator.locks.request("shenbao-changes", listen);
    const still = await fetch("/api/v1/session").then((answer) => answer.ok, () => true);
    if (!still) return;
  }
}

if (navigator.locks) hold();
else listen();
// A page that was kept by the browser and shown again may be old.
addEventListener("pageshow", (event) => { if (event.persisted) refreshAll(); });

// "At 0:04" beside what was read from a video: play it from there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-at]");
  const video = button && document.getElementById(`video-${button.dataset.of}`);
  if (!video) return;
  video.currentTime = Number(button.dataset.at);
  video.scrollIntoView({ block: "nearest" });
  video.play().catch(() => {}); // a browser that may not play by itself shows the moment
});
