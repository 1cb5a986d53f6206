// URL: an echo with length framing. A message in fragments, with a ping between them, arrives as one.
import assert from "node:assert";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
for (const binary of [false, true]) {
  connection.socket.send("one ", { binary, fin: false });
  connection.socket.ping();
  connection.socket.send("", { binary, fin: false });
  connection.socket.send("two", { binary, fin: true });
  const answer = await connection.next();
  assert.equal(Buffer.isBuffer(answer), binary);
  assert.equal(answer.toString(), "one two");
}
assert.equal((await connection.close(1000)).code, 1000);
