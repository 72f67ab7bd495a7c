// A worker: the SHA-256 of one slice at a time, in hexadecimal. Nothing is kept.
addEventListener("message", async ({ data: { id, slice } }) => {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await slice.arrayBuffer());
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    postMessage({ id, hex });
  } catch (error) {
    postMessage({ id, error: error.name });
  }
});
