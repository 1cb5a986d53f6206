// URL: two pages talk in one room, a third in another hears nothing of it.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const join = async (room) => {
    const page = await openPage(browser, process.argv[2] + room);
    await waitForText(page, "#state", "open");
    return page;
  };
  const say = async (page, text) => {
    await page.fill("#message", text);
    await page.press("#message", "Enter");
  };
  const hears = (page, text) => waitForText(page, "#log li", text);
  const heard = (page) => page.locator("#log li").allTextContents();

  const ann = await join("");
  const bob = await join("#lobby");
  const cyd = await join("#kitchen");
  await ann.fill("#name", "ann");
  await say(ann, "żółw <b>&amp;</b> 😀");
  await say(bob, "hello");
  for (const page of [ann, bob]) await hears(page, "somebody: hello");
  await say(cyd, "alone");
  await hears(cyd, "somebody: alone");
  assert.deepEqual(await heard(cyd), ["somebody: alone"]);

  // Both at once: both pages show the same.
  const burst = (page, name) => page.evaluate((name) => {
    for (let n = 0; n < 100; n++) socket.send(`${name}: ${n}`);
  }, name);
  await Promise.all([burst(ann, "ann"), burst(bob, "bob")]);
  for (const page of [ann, bob]) {
    await hears(page, "ann: 99");
    await hears(page, "bob: 99");
  }
  assert.equal((await heard(ann)).length, 202);
  assert.deepEqual(await heard(ann), await heard(bob));

  await bob.close();
  await say(ann, "still here");
  await hears(ann, "ann: still here");
});
