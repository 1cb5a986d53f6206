// URL [PARAMETER...]: an echo with length framing that compresses. Messages of all kinds come back,
// compressed where that was agreed on, with these parameters in the offer.
import assert from "node:assert";
import { open } from "./connection.mjs";

const [url, ...names] = process.argv.slice(2);
const parameters = Object.fromEntries(names.map((word) => {
  const [name, value] = word.split("=");
  return [name, value ? Number(value) : true];
}));
const connection = await open(url, [], { perMessageDeflate: { threshold: 0, ...parameters } });
assert.equal(connection.socket.extensions, "permessage-deflate");
const received = () => connection.socket._socket.bytesRead;
const pattern = (size) => "0123456789abcdefghijklmnopqrstuvwxyz!".repeat(size / 37 + 1).slice(0, size);
for (const size of [0, 1, 31, 32, 125, 126, 4095, 65535, 65536, 1024 * 1024]) {
  const before = received();
  connection.send(pattern(size));
  assert.ok(await connection.next() === pattern(size), `${size} bytes`);
  assert.ok(size < 1000 || received() - before < size / 10, `${size} bytes came as ${received() - before}`);
}
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * n * 2654435761) >>> 13));
connection.send(noise);
assert.ok((await connection.next()).equals(noise), "noise");
for (let number = 0; number < 200; number++) {
  connection.send(JSON.stringify({ number, text: pattern(number) }));
}
for (let number = 0; number < 200; number++) {
  assert.deepEqual(JSON.parse(await connection.next()), { number, text: pattern(number) });
}
for (const part of ["one ", "", "two "]) {
  connection.socket.send(part, { fin: false });
  connection.socket.ping();
}
connection.socket.send("three", { fin: true });
assert.equal(await connection.next(), "one two three");
assert.equal((await connection.close(1000)).code, 1000);
