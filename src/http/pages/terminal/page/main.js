// The terminal page: a terminal that fills the window, joined to the program at this page's own path.

import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { appearance, watchAppearance } from "./appearance.js";
import { copySelection, guardClipboard, shorten, watchPaste, withoutControls } from "./clipboard.js";
import { Connection } from "./connection.js";
import { describeEnd } from "./ending.js";
import { Keys } from "./keys.js";
import { Panel } from "./panel.js";
import { scrollByTouch } from "./touch.js";

const MOST = 1000; // columns, and rows, that the server takes
const SETTLED = 40; // milliseconds without another resize
const SIZE_SHOWN = 1000; // milliseconds
const LONGEST_TITLE = 200;
const RING = 200; // milliseconds
// What a program may have switched on that the next one does not expect: mouse, focus and paste reports, an
// application's keys, colours, the shape of the cursor.
const RESET = "\x1b[?9;1000;1002;1003;1004;1005;1006;1015;1016;2004l\x1b[!p\x1b[0m\x1b[?25h\x1b[0 q"
  + "\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07";

const $ = (id) => document.getElementById(id);
const main = document.querySelector("main");

const terminal = new Terminal({
  ...appearance(),
  allowProposedApi: true, // versions of Unicode
  macOptionClickForcesSelection: true,
  scrollback: 10_000,
  windowOptions: { pushTitle: true, popTitle: true },
  linkHandler: {
    activate: (event, text) => askToOpen(text),
    hover: (event, text) => showLink(text),
    leave: () => showLink(),
  },
});
const fit = new FitAddon();
const notice = new Panel($("notice"), () => terminal.focus());
const status = new Panel($("state"), () => terminal.focus());
const connection = new Connection(terminal, { heard: hear, changed: show, again: start });
const keys = new Keys(terminal, $("keys"), () => { hasTyped = true; });

let hasTyped = false; // since the program started
let isReadonly = false;
let hasRun = false; // any of the programs

// ---------------------------------------------------------------- the title, the bell

const title = { name: "Terminal", program: "", isRung: false };

function showTitle() {
  const mark = title.isRung ? "🔔 " : connection.state === "ended" ? "Ended: " : "";
  document.title = mark + (title.program || title.name);
}

function ring() {
  main.classList.add("rung");
  setTimeout(() => main.classList.remove("rung"), RING);
  title.isRung = document.hidden;
  showTitle();
}

// ---------------------------------------------------------------- links

// As a browser would write it, so that no letter looks like another.
function webAddress(text) {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return ["http:", "https:"].includes(url.protocol) ? url : undefined;
}

function showLink(text) {
  const url = text && webAddress(text);
  $("link").hidden = !url;
  $("link").textContent = url?.href;
}

// Its text need not be where it leads.
function askToOpen(text) {
  const url = webAddress(text);
  if (url) notice.show(`This link leads to ${url.host}: ${url.href}`, [["Open", url.href], ["No", () => notice.hide()]]);
}

// ---------------------------------------------------------------- the program

function start() {
  hasTyped = false;
  if (connection.state === "lost") status.show("Connecting …", [], "above");
  else status.hide();
  refit();
  connection.open();
}

// What the one before has drawn stays, above a line.
function separate() {
  const leave = terminal.buffer.active.type === "alternate" ? "\x1b[?1049l" : "";
  terminal.write(`${leave}${RESET}\r\n\x1b[2m— started again —\x1b[0m\r\n`);
  title.program = "";
}

function hear({ title: name, readonly }) {
  if (name !== undefined) title.name = shorten(withoutControls(String(name)), LONGEST_TITLE);
  if (readonly) {
    isReadonly = true;
    terminal.options.disableStdin = true;
    $("keys").hidden = true;
  }
  showTitle();
}

function show(state, detail) {
  main.dataset.state = state;
  if (state === "open") {
    status.hide();
    if (hasRun) separate();
    hasRun = true;
  }
  if (state === "lost") {
    terminal.write(RESET);
    const text = `There is no connection. Connecting again in ${detail} s.`;
    status.show(text, [["Connect now", start], ["Reload", () => location.reload()]], "above");
  }
  if (state === "ended") {
    terminal.write(RESET);
    notice.hide();
    status.show(`${describeEnd(detail)} Enter starts again.`, [["Start again", start]], "below");
    refit();
    terminal.scrollToBottom();
  }
  showTitle();
}

// ---------------------------------------------------------------- the size

let timerOfSize;

// `isShown`: where the user has resized something.
function refit(isShown) {
  const { cols, rows } = fit.proposeDimensions() ?? {};
  if (!cols || !rows) return;
  const [newCols, newRows] = [Math.min(cols, MOST), Math.min(rows, MOST)];
  if (newCols === terminal.cols && newRows === terminal.rows) return;
  terminal.resize(newCols, newRows);
  connection.resize();
  if (isShown) showSize();
}

function showSize() {
  clearTimeout(timerOfSize);
  $("size").textContent = `${terminal.cols} × ${terminal.rows}`;
  $("size").hidden = false;
  timerOfSize = setTimeout(() => { $("size").hidden = true; }, SIZE_SHOWN);
}

function watchSize() {
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => refit(true), SETTLED);
  };
  new ResizeObserver(later).observe($("terminal"));
  // Where the keyboard of a screen lies over the page, the page ends above it; but zooming is no resizing.
  visualViewport?.addEventListener("resize", () => {
    if (visualViewport.scale !== 1) return;
    const isCovered = innerHeight - visualViewport.height > 1;
    document.body.style.height = isCovered ? `${visualViewport.height}px` : "";
    scrollTo(0, 0);
  });
}

// ---------------------------------------------------------------- what is typed

const isOver = () => ["ended", "lost"].includes(connection.state);

// Keys that are the page's own, whatever the program takes.
function isOurs(event) {
  if (event.type !== "keydown") return false;
  const { key, ctrlKey, shiftKey, altKey, metaKey } = event;
  if (key === "Enter" && ctrlKey && shiftKey) return notice.focus() || status.focus();
  if (key === "Enter" && isOver()) {
    if (!event.repeat) start();
    return true;
  }
  if (ctrlKey && shiftKey && !altKey && !metaKey && key.toUpperCase() === "C") {
    copySelection(terminal);
    return true;
  }
  return false;
}

function watchKeyboard() {
  const encoder = new TextEncoder();
  terminal.attachCustomKeyEventHandler((event) => {
    if (!isOurs(event)) return true;
    event.preventDefault();
    return false;
  });
  terminal.onKey(() => { hasTyped = true; });
  terminal.textarea.addEventListener("input", () => { hasTyped = true; });
  watchPaste(terminal, $("terminal"), () => { hasTyped = true; });
  terminal.onData((data) => {
    // A keyboard on a screen types what it has no key for.
    if (data === "\r" && isOver()) start();
    else connection.send(encoder.encode(keys.apply(data)));
  });
  // Reports of a mouse in the oldest form, which is no text.
  terminal.onBinary((data) => connection.send(Uint8Array.from(data, (character) => character.charCodeAt(0))));
  $("notice").addEventListener("keydown", leavePanel);
  $("state").addEventListener("keydown", leavePanel);
}

function leavePanel(event) {
  if (event.key !== "Escape") return;
  if (event.currentTarget === $("notice")) notice.hide();
  terminal.focus();
}

// ----------------------------------------------------------------

terminal.loadAddon(fit);
terminal.loadAddon(new WebLinksAddon((event, uri) => open(uri, "_blank", "noopener,noreferrer")));
terminal.loadAddon(new Unicode11Addon());
terminal.unicode.activeVersion = "11";
guardClipboard(terminal, notice, () => isReadonly);
terminal.open($("terminal"));
watchKeyboard();
scrollByTouch(terminal);
terminal.onBell(ring);
terminal.onTitleChange((text) => {
  title.program = shorten(withoutControls(text), LONGEST_TITLE);
  showTitle();
});
watchAppearance((changed) => {
  Object.assign(terminal.options, changed);
  refit(true);
});
document.addEventListener("visibilitychange", () => {
  title.isRung = false;
  showTitle();
});
addEventListener("beforeunload", (event) => {
  if (hasTyped && !isReadonly && connection.state === "open") event.preventDefault();
});
start();
watchSize();
terminal.focus();
