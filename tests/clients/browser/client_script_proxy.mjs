// OPEN CHUNKED BUFFERED URLs of the same site by a proxy that gathers what is said: as it is told not to, and all the same, by
// HTTP/1.1 and by HTTP/1.0 to the site.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

const [open, chunked, buffered] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await openPage(browser, open);
  await page.addScriptTag({ url: ".well-known/wsd.js" });
  const events = (path, wait) => page.evaluate(([path, wait]) => new Promise((resolve) => {
    const events = [];
    const socket = new WsdSocket(path, [], { wait });
    socket.onopen = () => {
      events.push(`open by ${socket.transport}`);
      socket.send("hello");
    };
    socket.onmessage = ({ data }) => {
      events.push(data);
      socket.close(1000);
    };
    socket.onclose = ({ code }) => resolve([...events, code]);
  }), [path, wait]);
  for (const base of [open, chunked]) {
    assert.deepEqual(await events(`${base}cat`, 10_000), ["open by http", "hello", 1000]);
  }
  // Nothing comes through that, and that is told.
  assert.deepEqual(await events(`${buffered}cat`, 300), [1006]);
});
