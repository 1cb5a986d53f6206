// PORT: an EventSource whose connection is cut comes again to the same program, is fed by fetch, and ends with close.
import assert from "node:assert";
import net from "node:net";
import { browse, openPage } from "./browser.mjs";

const server = Number(process.argv[2]);
const open = new Set();
// Between them, so that a connection can be cut as networks do it.
const network = net.createServer((near) => {
  const far = net.connect(server, "127.0.0.1");
  for (const [one, other] of [[near, far], [far, near]]) {
    open.add(one);
    one.on("error", () => other.destroy()).on("close", () => { open.delete(one); other.destroy(); });
    one.pipe(other);
  }
});
await new Promise((resolve) => network.listen(0, "127.0.0.1", resolve));

await browse(async (browser) => {
  const page = await openPage(browser, `http://localhost:${network.address().port}/`);
  await page.evaluate(() => {
    window.seen = { opens: [], messages: [], close: undefined };
    const source = new EventSource("/program");
    source.addEventListener("open", ({ data }) => {
      if (data) window.seen.opens.push(JSON.parse(data).session);
    });
    source.addEventListener("message", ({ data }) => window.seen.messages.push(data));
    source.addEventListener("close", ({ data }) => { window.seen.close = JSON.parse(data); });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) window.seen.ended = true;
    });
    window.say = async (body, rest = "") => {
      const url = `/program?session=${window.seen.opens[0]}${rest}`;
      return (await fetch(url, { method: "POST", body })).status;
    };
  });
  const seen = () => page.evaluate(() => window.seen);
  const wait = (condition) => page.waitForFunction(condition);

  await wait(() => window.seen.messages.length === 1);
  assert.equal(await page.evaluate(() => window.say("one\ntwo")), 204);
  await wait(() => window.seen.messages.length === 3);
  for (const socket of open) socket.destroy();
  await wait(() => window.seen.opens.length === 2);
  assert.equal(await page.evaluate(() => window.say("\u00e9")), 204);
  await wait(() => window.seen.messages.length === 4);
  const { opens, messages } = await seen();
  assert.equal(opens[0], opens[1]);
  assert.deepEqual(messages.slice(1), ["one", "two", "\u00e9"]);

  assert.equal(await page.evaluate(() => window.say("", "&close")), 204);
  await wait(() => window.seen.close);
  assert.deepEqual((await seen()).close, { code: 1000, reason: "" });
  // It asks once more, is told that there is nothing, and asks no more.
  await wait(() => window.seen.ended);
});
network.close();
process.exit(0);
