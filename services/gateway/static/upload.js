// Sends files in parts: each is hashed in a worker, signed by the server, and PUT where the server says.
// Parts that are there already are not sent again, so the same file picked later goes on where it stopped.
const place = document.getElementById("uploads");
const { dossier } = place.dataset;
const words = JSON.parse(place.dataset.words);
const base = `/api/v1/dossiers/${dossier}`;
const csrf = document.body.dataset.csrf;
const AT_ONCE = 4;
const MOST_PAUSE_MS = 30_000;
const FILES_AT_ONCE = 2;
const remembered = `shenbao-unfinished-${dossier}`;

class Refused extends Error {
  constructor(status, problem) { super(problem.detail || String(status)); this.status = status; this.problem = problem; }
}

const hashing = new Worker(new URL("hashing.js", import.meta.url));
const asked = new Map();
let number = 0;
hashing.onmessage = ({ data }) => {
  const { done, failed } = asked.get(data.id);
  asked.delete(data.id);
  if (data.error) failed(new Error(words.changed)); else done(data.hex);
};
const sha256 = (slice) => new Promise((done, failed) => {
  number += 1;
  asked.set(number, { done, failed });
  hashing.postMessage({ id: number, slice });
});

async function api(method, path, body, signal, { url } = {}) {
  const answer = await fetch(url || base + path, {
    method, signal, headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return answer.status === 204 ? null : answer.json();
}

function put(request, body, sent, signal) {
  return new Promise((done, failed) => {
    const call = new XMLHttpRequest();
    call.open(request.method, request.url);
    for (const [name, value] of Object.entries(request.headers)) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => sent(event.loaded);
    call.onload = () => {
      if (call.status === 200) { done(); return; }
      let problem = { title: words.refused };
      try { problem = JSON.parse(call.responseText); } catch { /* the object store's XML, or a proxy's own page */ }
      failed(new Refused(call.status, problem));
    };
    call.onerror = () => failed(new TypeError("network"));
    call.onabort = () => failed(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", () => call.abort(), { once: true });
    call.send(body);
  });
}

function passing(error) {
  if (error instanceof Refused) return error.status >= 500 || error.status === 429 || error.status === 403;
  return error instanceof TypeError;
}

const MB = 2 ** 20;
const size = (bytes) => `${(bytes / MB).toFixed(bytes < 100 * MB ? 1 : 0)} MB`;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;

function unfinished(change) {
  const known = JSON.parse(localStorage.getItem(remembered) || "{}");
  change(known);
  if (Object.keys(known).length) localStorage.setItem(remembered, JSON.stringify(known));
  else localStorage.removeItem(remembered);
}

// A dropped folder may hold sixty files: a few travel at a time, the others wait their turn.
const queue = [];
let travelling = 0;
function turn() {
  while (travelling < FILES_AT_ONCE && queue.length) {
    travelling += 1;
    queue.shift()().finally(() => { travelling -= 1; turn(); });
  }
}

class Upload {
  constructor(file, material, component) {
    this.file = file;
    this.material = material;
    this.component = component;
    this.there = new Map();
    this.sending = new Map();
    this.paused = false;
    this.stop = new AbortController();
    this.draw();
  }

  draw() {
    this.box = document.createElement("div");
    this.box.className = "upload";
    this.title = document.createElement("p");
    this.title.textContent = this.file.name;
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", this.file.name);
    this.told = document.createElement("p");
    this.told.className = "hint";
    this.told.setAttribute("role", "status");
    this.pauseButton = this.button(words.pause, () => (this.paused ? this.resume() : this.pause()));
    this.cancelButton = this.button(words.cancel, () => this.cancel());
    this.box.append(this.title, this.bar, this.told, this.pauseButton, this.cancelButton);
    place.append(this.box);
  }

  button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "link";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  say(text) { this.told.textContent = text; }

  pause() {
    this.paused = true;
    this.stop.abort();
    this.pauseButton.textContent = words.resume;
    this.say(words.paused);
  }

  resume() {
    this.paused = false;
    this.stop = new AbortController();
    this.pauseButton.textContent = words.pause;
    this.line();
  }

  line() {
    this.say(words.queued);
    queue.push(() => this.run());
    turn();
  }

  async cancel() {
    this.paused = true;
    this.stop.abort();
    if (this.id) await api("DELETE", `/uploads/${this.id}`).catch(() => null);
    this.forget();
    this.box.remove();
  }

  forget() { unfinished((known) => { delete known[this.file.name]; }); }

  show() {
    const done = [...this.there.values()].reduce((sum, bytes) => sum + bytes, 0);
    const moving = [...this.sending.values()].reduce((sum, bytes) => sum + bytes, 0);
    const all = Math.min(done + moving, this.file.size);
    const seconds = (performance.now() - this.began) / 1000;
    const speed = (all - this.before) / Math.max(seconds, 0.1);
    this.bar.value = this.file.size ? all / this.file.size : 0;
    const left = speed > 0 ? ` · ${words.left} ${clock((this.file.size - all) / speed)}` : "";
    this.say(`${words.sending} ${size(all)} / ${size(this.file.size)} · ${size(speed)}/s${left}`);
  }

  async run() {
    if (this.paused) return;
    try {
      await this.send(this.stop.signal);
    } catch (error) {
      if (!this.paused && error.name !== "AbortError") this.fail(error);
    }
  }

  // Repeats what only waiting can mend: a lost network, a server that restarts, a link that has expired.
  async patiently(signal, act) {
    for (let pause = 500; ; pause = Math.min(pause * 2, MOST_PAUSE_MS)) {
      try {
        return await act();
      } catch (error) {
        if (signal.aborted || !passing(error)) throw error;
      }
      this.say(words.waiting);
      await new Promise((go) => {
        const timer = setTimeout(go, pause);
        for (const [target, event] of [[window, "online"], [signal, "abort"]]) {
          target.addEventListener(event, () => { clearTimeout(timer); go(); }, { once: true });
        }
      });
      signal.throwIfAborted();
    }
  }

  fail(error) {
    this.stop.abort();
    this.box.classList.add("problem");
    const problem = error.problem || {};
    this.say([problem.title, problem.detail || error.message, problem.fix].filter(Boolean).join(" "));
    this.pauseButton.remove();
    this.forget();
  }

  async send(signal) {
    const told = { component: this.component, file_name: this.file.name, size_bytes: this.file.size };
    const upload = await this.patiently(signal, () => api("POST", `/materials/${this.material}/uploads`, told, signal));
    this.id = upload.upload_id;
    this.there = new Map(upload.parts.map((part) => [part.number, part.size_bytes]));
    this.sending = new Map();
    this.began = performance.now();
    this.before = [...this.there.values()].reduce((sum, bytes) => sum + bytes, 0);
    unfinished((known) => { known[this.file.name] = this.id; });
    const due = [];
    for (let n = 1; n <= upload.part_count; n += 1) if (!this.there.has(n)) due.push(n);
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.lane(due, upload.part_size_bytes, signal)));
    } catch (error) {
      this.stop.abort(); // what cannot go on must not leave its neighbours running
      throw error;
    }
    this.say(words.joining);
    await this.patiently(signal, () => api("POST", `/uploads/${this.id}/completion`, {}, signal));
    this.forget();
    for (const part of document.querySelectorAll("[data-live]")) window.htmx.trigger(part, "live");
    this.box.remove();
  }

  // One of those that send side by side: while a part travels, the next one of its lane is hashed and signed.
  async lane(due, partSize, signal) {
    for (let turn = this.turn(due, partSize, signal); turn;) {
      const { n } = turn;
      let { signed } = turn;
      let following;
      await this.patiently(signal, async () => {
        const ahead = signed;
        signed = null; // whatever comes of it, another try asks for another signature
        const part = await (ahead || this.signed(n, partSize, signal));
        if (following === undefined) following = this.turn(due, partSize, signal);
        await this.part(n, part, signal);
      });
      turn = following;
    }
  }

  turn(due, partSize, signal) {
    const n = due.shift();
    if (n === undefined) return null;
    const signed = this.signed(n, partSize, signal);
    signed.catch(() => null); // met when its turn comes
    return { n, signed };
  }

  async signed(n, partSize, signal) {
    const slice = this.file.slice((n - 1) * partSize, Math.min(n * partSize, this.file.size));
    const hex = await sha256(slice);
    signal.throwIfAborted();
    const { parts: [{ request }] } = await api("POST", `/uploads/${this.id}/parts`, { parts: [{ number: n, size_bytes: slice.size, sha256: hex }] }, signal);
    return { slice, request };
  }

  async part(n, { slice, request }, signal) {
    try {
      await put(request, slice, (bytes) => { this.sending.set(n, bytes); this.show(); }, signal);
    } finally {
      this.sending.delete(n);
    }
    this.there.set(n, slice.size);
    this.show();
  }
}

// Starts sending `files` to a component of a material.
export function take(files, material, component) {
  if (!globalThis.crypto?.subtle) {
    place.textContent = words.insecure;
    return;
  }
  for (const file of files) new Upload(file, material, component).line();
}

export { api, place, words };

// Whether the server has all of it: only the answer was lost with the page, and chosen again it would be there twice.
async function arrived(id) {
  try {
    return ["completing", "completed"].includes((await api("GET", `/uploads/${id}`)).state);
  } catch {
    return false;
  }
}

async function remind() {
  const left = [];
  for (const [name, id] of Object.entries(JSON.parse(localStorage.getItem(remembered) || "{}"))) {
    if (await arrived(id)) unfinished((known) => { delete known[name]; });
    else left.push(name);
  }
  if (!left.length) return;
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = words.again + left.join("、");
  place.append(note);
}
remind();
