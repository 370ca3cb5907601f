// Gives the frame a token whenever it asks for one: fetched from our own server, sent to the service's origin only.
const frame = document.getElementById("frame");
const service = new URL(frame.dataset.service).origin;

addEventListener("message", async (event) => {
  if (event.source !== frame.contentWindow || event.origin !== service) return;
  if (event.data?.type !== "zhengwen-token-needed") return;
  const response = await fetch("/zhengwen-token", { method: "POST" });
  if (!response.ok) return;
  const { token } = await response.json();
  frame.contentWindow.postMessage({ type: "zhengwen-token", token }, service);
});
