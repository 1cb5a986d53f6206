// ---------------------------------------------------------------- events

// A shared worker, though its address is this page's alone: what looks into a page, such as the browser's own tools, is
// told of each frame that a worker of the page's receives, and would be flooded in its place.
const workerUrl = URL.createObjectURL(new Blob([$("worker").textContent], { type: "text/javascript" }));
const worker = "SharedWorker" in window ? new SharedWorker(workerUrl).port : new Worker(workerUrl);
worker.onmessage = ({ data }) => {
  if (data.type === "rows") takeBatch(data);
  else if (data.type === "state") changeState(data);
  else {
    count = data.count;
    showCounters();
  }
};

function connectOnEnter(event) {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  connect();
}

for (const id of ["path", "protocol"]) {
  $(id).addEventListener("keydown", connectOnEnter);
  $(id).addEventListener("input", showState);
}
$("connection").addEventListener("submit", (event) => event.preventDefault());
$("connect").addEventListener("click", () => offersDisconnect() ? disconnect() : connect());
$("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("save").addEventListener("click", save);
$("clear").addEventListener("click", clear);
$("newest").addEventListener("click", () => { follow(); log.focus(); });
$("kind").addEventListener("change", react);
$("join").addEventListener("click", joinLines);
$("filter").addEventListener("input", filter);
$("filter").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  $("filter").value = "";
  filter();
});
message.addEventListener("input", react);
message.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const firstLine = !message.value.slice(0, message.selectionStart).includes("\n");
  const lastLine = !message.value.slice(message.selectionEnd).includes("\n");
  if (event.key === "Enter") send();
  else if (event.key === "ArrowUp" && firstLine) travel(-1);
  else if (event.key === "ArrowDown" && lastLine) travel(+1);
  else return;
  event.preventDefault();
});

log.addEventListener("scroll", watchScroll);
log.addEventListener("focus", offerNewestRow);
log.addEventListener("keydown", moveAmongRows);
log.addEventListener("click", ({ target }) => {
  if (target.dataset.tool) TOOLS[target.dataset.tool](target.closest(".row"), target);
});
new ResizeObserver(() => { if (following) toBottom(); }).observe(log);

// Keyboards of phones lie over the page; what is below them is not there.
window.visualViewport?.addEventListener("resize", () => {
  const { height, scale } = visualViewport;
  document.body.style.height = scale === 1 && height < innerHeight ? `${height}px` : "";
});

let pause = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(pause);
  if (document.visibilityState === "hidden") pause = setTimeout(() => session?.feed?.pause(), HIDDEN_PAUSE);
});

window.addEventListener("pagehide", disconnect);

window.addEventListener("hashchange", () => {
  readAddress();
  connect();
});

readAddress();
showCounters();
askForRows();
connect();
