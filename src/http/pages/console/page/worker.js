"use strict";

// The socket, and what has yet to be shown. It is in a thread of its own, since a program that floods (yes) would keep
// the page's thread from everything else. The page asks for rows when it can draw some; meanwhile the oldest are dropped.

const MAX_ROWS = 3000;              // rows that wait
const MAX_SIZE = 64 * 1024 * 1024;  // bytes of theirs
const BATCH_ROWS = 150;             // rows and
const BATCH_SIZE = 512 * 1024;      // bytes given at a time; one row is always given
const MAX_GONE = 10_000;            // slots of rows that were given, before the rest moves up

let page = null;         // where rows go
let socket = null;
let waiting = [];        // from `first` on, oldest first
let first = 0;
let size = 0;
let lost = 0;            // rows dropped since the page was given some
let isAsked = false;
const count = { in: 0, inBytes: 0, out: 0, outBytes: 0 };
const encoder = new TextEncoder();

function put(row) {
  row.time = Date.now();
  waiting.push(row);
  size += row.size ?? 0;
  while (waiting.length - first > MAX_ROWS || (size > MAX_SIZE && waiting.length - first > 1)) {
    take();
    lost++;
  }
  if (isAsked) give();
}

function take() {
  const row = waiting[first];
  waiting[first++] = undefined;
  size -= row.size ?? 0;
  if (first > MAX_GONE) {
    waiting = waiting.slice(first);
    first = 0;
  }
  return row;
}

function give() {
  isAsked = first === waiting.length;
  if (isAsked) return;
  const rows = [];
  for (let given = 0; first < waiting.length && rows.length < BATCH_ROWS && given < BATCH_SIZE;) {
    const row = take();
    given += row.size ?? 0;
    rows.push(row);
  }
  const buffers = rows.filter((row) => row.data instanceof ArrayBuffer).map((row) => row.data);
  page.postMessage({ type: "rows", rows, lost, count }, buffers);
  lost = 0;
}

// Bytes of UTF-8; most messages are short, and need no buffer to be counted.
function byteLength(text) {
  if (text.length > 1024) return encoder.encode(text).length;
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return bytes;
}

function putMessage(kind, data) {
  const length = typeof data === "string" ? byteLength(data) : data.byteLength;
  count[kind]++;
  count[kind + "Bytes"] += length;
  put({ kind, size: length, data });
}

function tell(id, state) {
  page.postMessage({ type: "state", id, state });
}

function connect({ id, url, protocols }) {
  disconnect();
  let fresh;
  try {
    fresh = new WebSocket(url, protocols);
  } catch (error) {
    tell(id, "closed");
    put({ kind: "end", id, wasOpen: false, error: error.message });
    return;
  }
  socket = fresh;
  fresh.id = id;
  fresh.binaryType = "arraybuffer";
  let wasOpen = false;
  fresh.onopen = () => {
    wasOpen = true;
    tell(id, "open");
    put({ kind: "begin", id, protocol: fresh.protocol });
  };
  fresh.onmessage = (event) => putMessage("in", event.data);
  fresh.onclose = ({ code, reason, wasClean }) => {
    tell(id, "closed");
    put({ kind: "end", id, wasOpen, code, reason, wasClean, isGivenUp: fresh.isGivenUp });
  };
}

function disconnect() {
  if (!socket || socket.readyState >= WebSocket.CLOSING) return;
  socket.isGivenUp = socket.readyState === WebSocket.CONNECTING;
  socket.close(1000);
  tell(socket.id, "closing");
}

function send(data) {
  if (socket?.readyState !== WebSocket.OPEN) {
    put({ kind: "error", data: "not sent: the connection had ended" });
    return;
  }
  socket.send(data);
  putMessage("out", typeof data === "string" ? data : data.buffer);
}

function clear() {
  waiting = [];
  first = size = lost = 0;
  for (const key in count) count[key] = 0;
}

const TASKS = {
  connect, disconnect, clear, give,
  send: ({ data }) => send(data),
  put: ({ row }) => put(row),
  count: () => page.postMessage({ type: "count", count, waiting: waiting.length - first + lost }),
};

function listen(to) {
  page = to;
  page.onmessage = ({ data }) => TASKS[data.task](data);
}

if ("onconnect" in self) self.onconnect = ({ ports: [port] }) => listen(port);
else listen(self);
