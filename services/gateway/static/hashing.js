// A worker: the SHA-256 of one slice at a time, in hexadecimal. Nothing is kept, and every slice is read into the same
// memory: left to the collector, the slices of a large file would hold hundreds of megabytes.
let room = new ArrayBuffer(0);

// Browsers that cannot read into memory that is given to them read as they can.
function intoRoom(slice) {
  try { return slice.stream().getReader({ mode: "byob" }); } catch { return null; }
}

async function read(slice) {
  const reader = intoRoom(slice);
  if (!reader) return slice.arrayBuffer();
  if (room.byteLength < slice.size) room = new ArrayBuffer(slice.size);
  let at = 0;
  while (at < slice.size) {
    const { done, value } = await reader.read(new Uint8Array(room, at, slice.size - at));
    room = value.buffer; // it was handed over and comes back
    if (done) break;
    at += value.byteLength;
  }
  if (at !== slice.size) throw new DOMException("the file has changed", "NotReadableError");
  return new Uint8Array(room, 0, slice.size);
}

async function hex(slice) {
  const digest = await crypto.subtle.digest("SHA-256", await read(slice));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let before = Promise.resolve();
addEventListener("message", ({ data: { id, slice } }) => {
  before = before.then(() => hex(slice)).then(
    (found) => postMessage({ id, hex: found }),
    (error) => postMessage({ id, error: error.name }),
  );
});
