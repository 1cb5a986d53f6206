// URL: tokens come one by one, while their program still writes others.
import assert from "node:assert";

const response = await fetch(process.argv[2], { method: "POST", body: "why?\n" });
const pieces = [];
const decoder = new TextDecoder();
for await (const piece of response.body) pieces.push(decoder.decode(piece, { stream: true }));
assert.equal(pieces.join(""), "Because of\nthe why? ");
assert.ok(pieces.length >= 3, pieces);
