// PAGE SOCKET open|refused: what becomes of a WebSocket to SOCKET that a page from elsewhere wants.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

const [url, socket, expected] = process.argv.slice(2);
await browse(async (browser) => {
  const page = await openPage(browser, url);
  const outcome = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("open");
    socket.onclose = () => resolve("refused");
  }), socket);
  assert.equal(outcome, expected);
});
