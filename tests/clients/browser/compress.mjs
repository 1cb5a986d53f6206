// URL: an echo. A page's messages travel compressed, without its knowing.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  const result = await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.href.replace("http", "ws"));
    const sent = Array.from({ length: 50 }, (_, number) => JSON.stringify({ number, text: "Hello, ".repeat(number * 50) }));
    const received = [];
    socket.onopen = () => sent.forEach((text) => socket.send(text));
    socket.onclose = (event) => reject(new Error(`closed with ${event.code} ${event.reason}`));
    socket.onmessage = (event) => {
      received.push(event.data);
      if (received.length === sent.length) {
        resolve({ extensions: socket.extensions, isSame: received.every((text, index) => text === sent[index]) });
      }
    };
  }));
  assert.deepEqual(result, { extensions: "permessage-deflate", isSame: true });
});
