// URL OFFERED,... EXPECTED: the program's first line and the handshake name the subprotocol EXPECTED.
import assert from "node:assert";
import { open } from "./connection.mjs";

const [url, offered, expected] = process.argv.slice(2);
const connection = await open(url, offered.split(","));
assert.equal(connection.protocol, expected);
assert.equal(await connection.next(), expected);
assert.equal((await connection.close(1000)).code, 1000);
