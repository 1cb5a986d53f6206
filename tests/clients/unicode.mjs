// URL: a line echo. Characters of one to four bytes come back, alone and many at a time.
import assert from "node:assert";
import { open } from "./connection.mjs";

const connection = await open(process.argv[2]);
const texts = ["é", "żółw", "日本語", "😀👩‍👩‍👧", "שלום עולם", "e\u0301", "\u{10ffff}", "\u2028\u2029\u0085", "\ufeffx", "a\tb\u0000c"];
for (const text of [...texts, ...texts.map((text) => text.repeat(20_000))]) {
  connection.send(text);
  assert.ok(await connection.next() === text, `${text.length} × ${text.slice(0, 10)}`);
}
assert.equal((await connection.close(1000)).code, 1000);
