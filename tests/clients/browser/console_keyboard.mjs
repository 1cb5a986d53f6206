// URL of an echo: all of the console can be used by keyboard alone.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  const press = (key) => page.keyboard.press(key);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  await page.state("open");
  assert.equal(await focused(), "message");
  await page.keyboard.type("one");
  await press("Enter");
  await page.nth("in", 0);
  await page.keyboard.type('{"two":2}');
  await press("Enter");
  await page.nth("in", 1);

  await press("Tab");
  assert.equal(await focused(), "send");
  const order = [];
  await page.focus("#path");
  for (let n = 0; n < 10; n++) {
    order.push(await focused());
    await press("Tab");
  }
  assert.deepEqual(order, ["path", "protocol", "connect", "filter", "save", "clear", "log", "Pretty", "kind", "message"]);

  // From the messages to a row, and on to what can be done with it.
  await page.focus("#log");
  await press("Tab");
  await press("Enter");
  assert.equal(await page.text("in").last().textContent(), '{\n  "two": 2\n}');
  await press("ArrowRight");
  assert.equal(await focused(), "Copy");
  await press("ArrowUp");
  await press("ArrowRight");
  assert.equal(await focused(), "Send again");
  await press("Enter");
  assert.equal(await page.nth("in", 2), '{"two":2}');
  await press("Tab");
  assert.equal(await focused(), "kind");
  await press("Shift+Tab");
  assert.equal(await focused(), "Send again");

  await page.focus("#connect");
  await press("Enter");
  await page.state("closed");
  await press("Enter");
  await page.state("open");
  assert.equal(await focused(), "message");
  await page.focus("#filter");
  await page.keyboard.type("one");
  assert.equal(await page.locator("#log .row:not([hidden])").count(), 2);
  await press("Escape");
  assert.ok(await page.locator("#log .row:not([hidden])").count() > 2);
});
