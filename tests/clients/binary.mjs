// URL: an echo with --binary. A message of up to 64 KiB comes back as one, a longer one as its bytes.
import assert from "node:assert";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
for (const size of [1, 125, 126, 4096, 4097, 65535, 65536]) {
  const message = Buffer.alloc(size, "\0\n\r\xff\xfe\x80", "latin1");
  connection.send(message);
  const answer = await connection.next();
  assert.ok(Buffer.isBuffer(answer), "a binary message");
  assert.equal(answer.length, size);
  assert.ok(answer.equals(message), `${size} bytes`);
}

const long = Buffer.alloc(1024 * 1024 - 1, "\0\n\r\xff\xfe\x80\x7f", "latin1");
connection.send(long);
const parts = [];
for (let length = 0; length < long.length; length += parts.at(-1).length) parts.push(await connection.next());
assert.ok(Buffer.concat(parts).equals(long), "the bytes of a long message");

connection.send("żółw");
assert.equal((await connection.next()).toString(), "żółw", "a text message is its bytes");
assert.equal((await connection.close(1000)).code, 1000);
