// URL: a line echo. Texts of every kind of length in RFC 6455 §5.2 come back as they went.
import assert from "node:assert";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
for (const size of [0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024 - 1]) {
  const text = "0123456789abcdefghijklmnopqrstuvwxyz!".repeat(size / 37 + 1).slice(0, size);
  connection.send(text);
  assert.ok(await connection.next() === text, `${size} bytes`);
}
assert.equal((await connection.close(1000)).code, 1000);
