// The telnet client of examples/telnet by itself: what it shows and answers, in whatever pieces the bytes come.
import assert from "node:assert";
import { Telnet } from "../../examples/telnet/telnet.mjs";

const IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240;
const bytes = (...parts) => parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part)] : part));

// What comes of bytes that come in pieces of one size.
function talk(received, size) {
  const [sent, shown, echo] = [[], [], []];
  const telnet = new Telnet({
    send: (bytes) => sent.push(...bytes),
    text: (bytes) => shown.push(...bytes),
    echo: (on) => echo.push(on),
    size: () => [255, 24],
  });
  for (let at = 0; at < received.length; at += size) telnet.receive(Uint8Array.from(received.slice(at, at + size)));
  return { sent, shown: Buffer.from(shown).toString(), echo, telnet };
}

const cases = [
  ["text passes, and 255 stands twice", bytes("héllo", IAC, IAC, "x"), { sent: [], shown: Buffer.from(bytes("héllo", IAC, "x")).toString() }],
  ["what nobody can do is refused", bytes(IAC, WILL, 86, IAC, DO, 39, "ok"), { sent: [IAC, DONT, 86, IAC, WONT, 39], shown: "ok" }],
  ["what is off already is not answered", bytes(IAC, WONT, 86, IAC, DONT, 39, IAC, WONT, 1), { sent: [], shown: "" }],
  ["echo is agreed on once", bytes(IAC, WILL, 1, IAC, WILL, 1, IAC, WONT, 1), { sent: [IAC, DO, 1, IAC, DONT, 1], echo: [true, false] }],
  ["window size is told, 255 twice", bytes(IAC, DO, 31), { sent: [IAC, WILL, 31, IAC, SB, 31, 0, IAC, IAC, 0, 24, IAC, SE] }],
  ["terminal type is told when asked for", bytes(IAC, DO, 24, IAC, SB, 24, 1, IAC, SE, "a"), { sent: bytes(IAC, WILL, 24, IAC, SB, 24, 0, "dumb", IAC, SE), shown: "a" }],
  ["but not where it was not agreed on", bytes(IAC, SB, 24, 1, IAC, SE), { sent: [] }],
  ["commands of two bytes are nothing to show", bytes("a", IAC, 249, "b", IAC, 241, "c"), { sent: [], shown: "abc" }],
  ["a subnegotiation may hold 255", bytes(IAC, SB, 99, IAC, IAC, 1, IAC, SE, "a"), { sent: [], shown: "a" }],
];
for (const [name, received, expected] of cases) {
  for (let size = 1; size <= received.length; size++) {
    const found = talk(received, size);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(found[key], value, `${name}, in pieces of ${size}`);
  }
}

// One without an end fills no memory.
const endless = talk([IAC, SB, ...new Array(100_000).fill(7)], 4096);
assert.ok(endless.telnet.subnegotiation.length <= 1024);

const { telnet, sent } = talk([], 1);
telnet.line("ÿ\u{ff}");
telnet.typed([IAC, 1]);
assert.deepEqual(sent, [...Buffer.from("ÿÿ\r\n"), IAC, IAC, 1]);
