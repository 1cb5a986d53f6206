// URL CODE REASON: the server closes with them, after the program's last line, which has no newline.
import assert from "node:assert";
import { open } from "./connection.mjs";

const [url, code, reason] = process.argv.slice(2);
const connection = await open(url);
assert.equal(await connection.next(), "last words");
assert.deepEqual(await connection.closed, { code: Number(code), reason });
