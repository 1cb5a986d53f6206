// URL: an echo that pings often. Each ping is answered with its payload, and the server hears our pongs.
import assert from "node:assert";
import { once } from "node:events";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
for (const payload of ["", "x", "y".repeat(125)]) {
  const pong = once(connection.socket, "pong");
  connection.socket.ping(payload);
  assert.equal((await pong)[0].toString(), payload);
}
// Two silent intervals would end the session, so after four it has heard us.
for (let n = 0; n < 4; n++) await once(connection.socket, "ping");
connection.send("still here");
assert.equal(await connection.next(), "still here");
assert.equal((await connection.close(1000)).code, 1000);
