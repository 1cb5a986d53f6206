// ---------------------------------------------------------------- what is in view

const MAX_IN_VIEW = 3000;                 // rows; more make scrolling and layout slow
const MAX_KEPT = 64 * 1024 * 1024;        // bytes of their messages, which can be copied and saved whole
const FLOOD_PAUSE = 100;                  // milliseconds between two batches when not all can be shown
const CALM = 20;                          // rows at a time; reading out more helps nobody

const log = $("log");
let kept = 0;              // bytes of the messages in view
let following = true;      // the newest row is in view, so scroll along
let lastTop = 0;
let held = null;           // a batch that has no place while one reads what is older
let dropped = 0;
let count = { in: 0, inBytes: 0, out: 0, outBytes: 0 };
let wanted = "";           // what rows are filtered by, in lower case

// Rows come from the worker alone, so that those of the connection stand between the messages where they belong.
function say(kind, data, rest = {}) {
  worker.postMessage({ task: "put", row: { kind, data, ...rest } });
}

function askForRows() {
  worker.postMessage({ task: "give" });
}

function takeBatch(batch) {
  requestAnimationFrame(() => showBatch(batch));
}

function showBatch(batch) {
  count = batch.count;
  // Who has scrolled back reads: nothing is taken away from under that.
  const isTooMuch = batch.lost > 0 || log.childElementCount + batch.rows.length > MAX_IN_VIEW;
  if (!following && isTooMuch) {
    held = batch;
    showCounters();
    return;
  }
  held = null;
  if (batch.lost) {
    // What is in view is contiguous.
    dropped += batch.lost;
    dropRows(log.childElementCount);
  }
  log.ariaLive = batch.rows.length > CALM ? "off" : "polite";
  const rows = document.createDocumentFragment();
  for (const entry of batch.rows.flatMap(understand)) {
    const row = rowOf(entry);
    row.hidden = !isWanted(row);
    kept += entry.size ?? 0;
    rows.append(row);
  }
  log.append(rows);
  while (log.childElementCount > MAX_IN_VIEW || (kept > MAX_KEPT && log.childElementCount > 1)) dropRows(1);
  showCounters();
  if (following) toBottom();
  if (batch.lost) setTimeout(askForRows, FLOOD_PAUSE);
  else askForRows();
}

function dropRows(number) {
  dropped += number;
  if (number === log.childElementCount) {
    log.replaceChildren();
    kept = 0;
    return;
  }
  for (; number > 0; number--) {
    kept -= log.firstChild.entry.size ?? 0;
    log.firstChild.remove();
  }
}

function showCounters() {
  const inView = () => log.querySelectorAll(".row:not([hidden])").length;
  const shown = {
    in: number(count.in), "in-bytes": ` · ${sizeOf(count.inBytes)}`,
    out: number(count.out), "out-bytes": ` · ${sizeOf(count.outBytes)}`,
    matches: wanted ? `${number(inView())} of ${number(log.childElementCount)} rows` : "",
    dropped: dropped ? `${number(dropped)} older rows not kept` : "",
  };
  for (const id in shown) if ($(id).textContent !== shown[id]) $(id).textContent = shown[id];
}

// While rows are held back, there is no batch to bring the figures.
setInterval(() => { if (held) worker.postMessage({ task: "count" }); }, 500);

function clear() {
  worker.postMessage({ task: "clear" });
  log.replaceChildren();
  count = { in: 0, inBytes: 0, out: 0, outBytes: 0 };
  kept = dropped = 0;
  if (held) askForRows();
  held = null;
  following = true;
  showFollowing();
  showCounters();
}

// ---------------------------------------------------------------- scrolling

function toBottom() {
  log.scrollTop = log.scrollHeight;
}

function follow() {
  following = true;
  if (held) showBatch(held);
  toBottom();
  showFollowing();
}

// Only a move upwards ends the following: the bottom also gets farther when the log shrinks or a row grows.
function watchScroll() {
  const isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < 12;
  const hasGoneUp = log.scrollTop < lastTop;
  lastTop = log.scrollTop;
  if (isAtBottom && !following) follow();
  else if (!isAtBottom && hasGoneUp) following = false;
  showFollowing();
}

function showFollowing() {
  log.classList.toggle("following", following);
  $("newest").hidden = following;
}

// ---------------------------------------------------------------- the filter

function isWanted(row) {
  return !wanted || row.firstElementChild.textContent.toLowerCase().includes(wanted);
}

function filter() {
  wanted = $("filter").value.toLowerCase();
  for (const row of log.children) row.hidden = !isWanted(row);
  showCounters();
  if (following) toBottom();
}

// ---------------------------------------------------------------- rows by keyboard

// Tab comes from the log to the newest row, arrows go from there through rows and what can be done with them.
function offerNewestRow() {
  if (!log.contains(document.activeElement) || document.activeElement === log) {
    const rows = log.querySelectorAll(".row:not([hidden])");
    offer(rows[rows.length - 1]?.querySelector("button"));
  }
}

function offer(tool) {
  for (const other of log.querySelectorAll('button[tabindex="0"]')) other.tabIndex = -1;
  if (tool) tool.tabIndex = 0;
}

const MOVES = {
  ArrowUp: (tool) => rowBeside(tool, "previousElementSibling")?.querySelector("button"),
  ArrowDown: (tool) => rowBeside(tool, "nextElementSibling")?.querySelector("button"),
  ArrowLeft: (tool) => tool.previousElementSibling,
  ArrowRight: (tool) => tool.nextElementSibling,
};

function rowBeside(tool, side) {
  let row = tool.closest(".row")[side];
  while (row?.hidden) row = row[side];
  return row;
}

function moveAmongRows(event) {
  const move = event.target.matches(".tools button") && MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const next = move(event.target);
  if (!next) return;
  offer(next);
  next.focus();
}
