// URL CODE: a client that says goodbye with CODE hears it back.
import assert from "node:assert";
import { open } from "./connection.mjs";

const [url, code] = process.argv.slice(2);
const connection = await open(url);
assert.equal(await connection.next(), "ready");
assert.equal((await connection.close(Number(code), "goodbye")).code, Number(code));
