// URL: an echo with length framing. Type, bytes and boundaries survive while many messages are on the way.
import assert from "node:assert";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
const messages = ["", "two\nlines\r\n", "\n", "żółw 😀", Buffer.from([]), Buffer.from([0, 10, 13, 255])];
for (const size of [1, 125, 126, 65535, 65536, 1024 * 1024 - 1]) {
  messages.push("x\n".repeat(size).slice(0, size), Buffer.alloc(size, "\0\n\xff\xfe", "latin1"));
}
for (const message of messages) connection.send(message);
for (const [index, message] of messages.entries()) {
  const answer = await connection.next();
  assert.equal(typeof answer, typeof message, `type of message ${index}`);
  assert.ok(Buffer.from(answer).equals(Buffer.from(message)), `bytes of message ${index}`);
}
assert.equal((await connection.close(1000)).code, 1000);
