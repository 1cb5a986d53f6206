// URL BODY ANSWER: what a program says of a body that is sent to it.
import assert from "node:assert";

const [url, body, expected] = process.argv.slice(2);
const response = await fetch(url, { method: "POST", body });
assert.equal(response.status, 200);
assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
assert.equal(await response.text(), expected);
