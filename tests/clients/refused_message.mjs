// URL CODE KIND: a message that the server does not take, "binary" or "big", is answered with a close.
import assert from "node:assert";
import { open } from "./connection.mjs";

const [url, code, kind] = process.argv.slice(2);
const connection = await open(url);
connection.send(kind === "big" ? "x".repeat(1024 * 1024 + 1) : Buffer.from([1]));
const closed = await connection.closed;
assert.equal(closed.code, Number(code));
assert.notEqual(closed.reason, "");
