// URL: an echo. Fifty clients at once each hear themselves, in order, and nobody else.
import assert from "node:assert";
import { open } from "./connection.mjs";

async function one(name) {
  const connection = await open(process.argv[2]);
  const messages = Array.from({ length: 20 }, (_, n) => `client ${name}, message ${n}`);
  messages.forEach(connection.send);
  for (const message of messages) assert.equal(await connection.next(), message);
  return connection;
}

const connections = await Promise.all(Array.from({ length: 50 }, (_, name) => one(name)));
const ends = await Promise.all(connections.map((connection) => connection.close(1000)));
assert.deepEqual(ends.map(({ code }) => code), Array(50).fill(1000));
