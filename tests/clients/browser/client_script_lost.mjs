// URL of /count, which counts, and /cat: a stream that is lost goes on where it was; when the server has gone, that is told.
import assert from "node:assert";
import { setTimeout } from "node:timers/promises";
import { startNetwork } from "../client_script/network.mjs";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const network = await startNetwork(process.argv[2], "strip");
  const page = await openPage(browser, network.url);
  await page.addScriptTag({ url: "/.well-known/wsd.js" });
  await page.evaluate(() => {
    globalThis.heard = [];
    globalThis.events = [];
    globalThis.open = (path, options) => {
      const socket = new WsdSocket(path, [], options);
      socket.onmessage = ({ data }) => heard.push(data);
      for (const type of ["open", "error", "close"]) {
        socket.addEventListener(type, ({ code }) => events.push(code ? `${type} ${code}` : type));
      }
      return socket;
    };
    globalThis.counter = open("count");
  });
  const hears = (count) => page.waitForFunction((count) => heard.length >= count, count);
  await hears(5);
  for (let cut = 0; cut < 3; cut++) {
    network.cut();
    await hears(await page.evaluate(() => heard.length) + 20);
  }
  // For longer than one attempt.
  network.isDown = true;
  network.cut();
  await page.waitForTimeout(1500);
  network.isDown = false;
  await hears(await page.evaluate(() => heard.length) + 20);
  const [heard, events] = await page.evaluate(() => [heard, events]);
  assert.deepEqual(heard, heard.map((_, number) => String(number)));
  assert.deepEqual(events, ["open"]);

  // A page that is left takes its session along: the server says so, before any time of resumption is over.
  await page.goto("about:blank");
  const isTold = () => [...network.answered].some((head) => head.includes("&close"));
  while (!isTold()) await setTimeout(10);
  network.end();
});
