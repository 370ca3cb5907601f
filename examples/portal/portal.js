// What a portal may do with the element's events; the element works without.
document.getElementById("chat").addEventListener("zhengwen-answer", (event) => {
  console.info("answered", event.detail.status, event.detail.citations.length, "citations");
});
