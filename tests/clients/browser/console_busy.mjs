// URL of a program that never stops writing: while a flood goes on, one can type, send, scroll back and disconnect.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  const received = (number) => page.evaluate((number) => new Promise((resolve) => {
    const look = () => count.in > number ? resolve() : requestAnimationFrame(look);
    look();
  }), number);
  await received(10_000);
  await page.locator("#message").pressSequentially("hi");
  assert.equal(await page.inputValue("#message"), "hi");
  await page.press("#message", "Enter");
  assert.equal(await page.evaluate("count.out"), 1);
  await page.locator("#log").evaluate((log) => { log.scrollTop = 0; });
  await page.click("#newest");
  const before = await page.evaluate("count.in");
  await received(before + 1_000);
  assert.ok(await page.locator("#log .row").count() <= 3000);
  await page.click("#disconnect");
  await page.state("closed");
  assert.match(await page.nth("close", 0), /^closed cleanly, code 1000 /);
});
