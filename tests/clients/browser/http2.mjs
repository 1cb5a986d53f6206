// URL COUNT: so many sockets of a page open by HTTP/2, echo, and close in order.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2], { ignoreHTTPSErrors: true });
  const told = await page.evaluate((count) => Promise.all(Array.from({ length: count }, (_, number) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(location.href.replace("http", "ws"));
      const messages = [];
      socket.onopen = () => socket.send(`hello ${number}`);
      socket.onmessage = (event) => {
        if (messages.push(event.data) === 2) socket.close(1000);
      };
      socket.onclose = (event) => event.wasClean && event.code === 1000
        ? resolve(messages) : reject(new Error(`closed with ${event.code} after ${messages}`));
    }))), Number(process.argv[3]));
  assert.deepEqual(told, told.map((_, number) => ["HTTP/2.0", `hello ${number}`]));
});
