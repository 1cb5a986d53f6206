// OPEN BUFFERED URLs of the same site by a proxy that gathers what is said: as it is told not to, and all the same.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

const [open, buffered] = process.argv.slice(2);

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
  assert.deepEqual(await events(`${open}cat`, 10_000), ["open by http", "hello", 1000]);
  // Nothing comes through that, and that is told.
  assert.deepEqual(await events(`${buffered}cat`, 300), [1006]);
});
