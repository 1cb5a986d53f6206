// URL: a page's `new WebSocket(url, "ex1")` opens, and with a list the first is selected.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  const selected = (offered) => page.evaluate((offered) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.href.replace("http", "ws"), offered);
    socket.onopen = () => resolve(socket.protocol);
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
  }), offered);
  assert.equal(await selected("ex1"), "ex1");
  assert.equal(await selected(["ex2", "ex1"]), "ex2");
  assert.equal(await selected([]), "");
});
