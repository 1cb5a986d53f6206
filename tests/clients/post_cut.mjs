// URL ANSWER: an answer whose program fails is told from one that is whole.
import assert from "node:assert";

const [url, expected] = process.argv.slice(2);
const response = await fetch(url, { method: "POST", body: "hello" });
const decoder = new TextDecoder();
let said = "";
await assert.rejects(async () => {
  for await (const piece of response.body) said += decoder.decode(piece, { stream: true });
});
assert.equal(said, expected);
