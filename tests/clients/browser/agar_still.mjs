// URL of a world without pellets and bots: what goes straight on is drawn on, and nothing at all is sent.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, "about:blank", { viewport: { width: 1280, height: 800 } });
  let heard = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(payload)));
  await page.goto(process.argv[2]);
  await waitForText(page, "#state", "open");
  await page.fill("#name", "Ann");
  await page.click("#play");
  await page.waitForFunction(() => agar.own);
  // To the side that is farther, so that no wall comes too soon.
  const towards = await page.evaluate(() => (agar.own.x < 1500 ? 1 : -1));
  await page.mouse.move(640 + 250 * towards, 400);
  const speeds = () => page.waitForFunction((towards) => agar.own.vx * towards > 100, towards);
  await speeds();
  const moved = (since) => page.waitForFunction((since) => Math.abs(agar.own.drawn(agar.serverTime())[0] - since) > 100, since);
  const at = () => page.evaluate(() => agar.own.drawn(agar.serverTime())[0]);
  await moved(await at());
  heard = [];
  await moved(await at());
  await moved(await at());
  assert.deepEqual(heard, []);
  // A new course is a message, of one ball.
  await page.mouse.move(640, 200);
  await page.waitForFunction(() => agar.own.vy < -100);
  assert.ok(heard.length > 0 && heard.every((text) => /^\d+ b \d+ [-\d. ]+$/.test(text)), heard.join("\n"));
});
