// URL of a program that repeats each line: a session by an event stream, which is lost and goes on.
import assert from "node:assert";

const url = process.argv[2];
const headers = { Accept: "text/event-stream" };

// The events of a stream, one by one.
async function* events(response) {
  assert.equal(response.status, 200);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of response.body) {
    rest += decoder.decode(piece, { stream: true });
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const fields = part.split("\n").filter((line) => !line.startsWith(":")).map((line) => line.split(/: (.*)/));
      if (fields.length) yield Object.fromEntries(fields);
    }
  }
}

const aborter = new AbortController();
let stream = events(await fetch(url, { method: "POST", headers, signal: aborter.signal }));
const next = async () => (await stream.next()).value;
const open = await next();
assert.equal(open.event, "open");
const { session } = JSON.parse(open.data);
const say = async (body, query = "") => (await fetch(`${url}?session=${session}${query}`, { method: "POST", body })).status;

assert.equal(await say("one\ntwo"), 204);
assert.equal((await next()).data, "one");
const two = await next();
assert.equal(two.data, "two");
assert.ok(two.id.startsWith(`${session}.`));
aborter.abort();
assert.equal(await say("three\n"), 204);
stream = events(await fetch(url, { headers: { ...headers, "Last-Event-ID": two.id } }));
assert.equal((await next()).event, "open");
assert.equal((await next()).data, "three");
assert.equal(await say("", "&close"), 204);
const close = await next();
assert.equal(close.event, "close");
assert.equal(JSON.parse(close.data).code, 1000);
assert.equal((await stream.next()).done, true);
assert.equal(await say("four"), 404);
