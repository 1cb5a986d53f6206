// PAGE: a page that asks for a password, and its WebSocket, which no page can give one; then with the cookie alone.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

const [url] = process.argv.slice(2);
const socket = url.replace(/^http/, "ws");

// What the program says first.
const firstMessage = (page) => page.evaluate((url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onmessage = (event) => resolve(event.data);
  socket.onclose = (event) => resolve(`closed ${event.code}`);
}), socket);

await browse(async (browser) => {
  const httpCredentials = { username: "alice", password: "secret" };
  const options = { httpCredentials, ignoreHTTPSErrors: true };
  const page = await openPage(browser, url, options);
  assert.match(await page.textContent("body"), /a page/);
  assert.match(await firstMessage(page), /^user=alice type=Basic /);
  const [cookie] = await page.context().cookies();
  assert.match(cookie.name, /^(__Host-)?wsd-[0-9]+$/);
  assert.equal(cookie.httpOnly, true);

  // As a browser does it that sends no password with a WebSocket.
  const other = await browser.newContext({ ignoreHTTPSErrors: true });
  await other.addCookies([cookie]);
  const second = await other.newPage();
  await second.goto(url);
  assert.match(await firstMessage(second), /^user=alice type=Basic authorization= cookie= /);

  await second.goto(`${url}.well-known/wsd-logout`).catch(() => {});
  assert.deepEqual(await other.cookies(), []);
});
