// ---------------------------------------------------------------- text

// Whatever comes from the network or the keyboard reaches the page through textContent alone.

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en").format;

function clock(time) {
  const two = (n) => String(n).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.`
    + String(time.getMilliseconds()).padStart(3, "0");
}

function sizeOf(bytes) {
  if (bytes < 10_000) return `${number(bytes)} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    bytes /= 1000;
    if (bytes < 1000) return `${bytes.toFixed(bytes < 100 ? 1 : 0)} ${unit}`;
  }
  return `${number(Math.round(bytes / 1000))} TB`;
}

function hexDump(bytes) {
  const width = innerWidth > 700 ? 16 : 8;
  const lines = [];
  for (let at = 0; at < bytes.length; at += width) {
    const part = Array.from(bytes.subarray(at, at + width));
    const readable = part.map((byte) => byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hexOf(part).padEnd(width * 3 - 1)}  ${readable}`);
  }
  return lines.join("\n");
}

function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function bytesFromHex(text) {
  const bytes = [];
  for (const group of text.split(/\s+/).filter(Boolean)) {
    const wrong = group.match(/[^0-9a-f]/iu);
    if (wrong) throw new Error(`bad hex: “${wrong[0]}” is not a hex digit; write two digits a byte, as in 00 ff`);
    if (group.length % 2) throw new Error(`bad hex: “${group}” has half a byte; write two digits a byte, as in 00 ff`);
    for (let at = 0; at < group.length; at += 2) bytes.push(parseInt(group.slice(at, at + 2), 16));
  }
  return Uint8Array.from(bytes);
}

// What a program writes for a terminal: colours go, the rest of the control characters becomes visible.
function printable(text) {
  return text.replace(/\x1b\[[0-9;:]*m/g, "")
    .replace(/[\x00-\x08\x0b-\x1f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)));
}

// The same JSON with other white space; numbers and strings stay as they were written, which JSON.parse and
// JSON.stringify would not have them do. Throws for what is no JSON.
function respaced(json, indent) {
  JSON.parse(json);
  const line = (depth) => indent ? "\n" + " ".repeat(indent * depth) : "";
  let depth = 0;
  let before = "";
  const pieces = [];
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const opens = "{[".includes(before) && before;
    if ("}]".includes(token)) {
      depth--;
      if (!opens) pieces.push(line(depth));
    } else if (opens || before === ",") {
      pieces.push(line(depth));
    }
    pieces.push(token === ":" && indent ? ": " : token);
    if ("{[".includes(token)) depth++;
    before = token;
  }
  return pieces.join("");
}

function looksLikeJson(text) {
  return /^\s*[{[]/.test(text.slice(0, 100)) && /[}\]]\s*$/.test(text.slice(-100));
}
