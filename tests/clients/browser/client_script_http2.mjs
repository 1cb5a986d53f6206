// URL by TLS: more sessions than a browser has connections by HTTP/1.1, all of them without a WebSocket.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2], { ignoreHTTPSErrors: true });
  await page.addScriptTag({ url: "/.well-known/wsd.js" });
  const told = await page.evaluate(() => {
    sessionStorage.setItem(`wsd ${location.host}`, "http");
    return Promise.all(Array.from({ length: 20 }, (_, number) => new Promise((resolve) => {
      const socket = new WsdSocket("/cat");
      const events = [];
      socket.onopen = () => {
        events.push(socket.transport);
        socket.send(`hello ${number}`);
      };
      socket.onmessage = ({ data }) => {
        events.push(data);
        // When all of them have come.
        globalThis.heard = (globalThis.heard ?? 0) + 1;
        if (heard === 20) dispatchEvent(new Event("all"));
      };
      addEventListener("all", () => socket.close(1000));
      socket.onclose = ({ code }) => resolve([...events, code]);
    })));
  });
  assert.deepEqual(told, told.map((_, number) => ["http", `hello ${number}`, 1000]));
});
