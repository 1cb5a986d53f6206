// URL of an echo: the arrow keys go through what was sent and back to the draft.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  for (const text of ["one", "two", "three"]) await page.say(text);
  await page.fill("#message", "draft");
  const press = async (key) => {
    await page.press("#message", key);
    return page.inputValue("#message");
  };
  assert.equal(await press("ArrowUp"), "three");
  assert.equal(await press("ArrowUp"), "two");
  assert.equal(await press("ArrowUp"), "one");
  assert.equal(await press("ArrowUp"), "one");
  assert.equal(await press("ArrowDown"), "two");
  assert.equal(await press("ArrowDown"), "three");
  assert.equal(await press("ArrowDown"), "draft");
  assert.equal(await press("ArrowDown"), "draft");

  await page.press("#message", "ArrowUp");
  await page.press("#message", "Enter");
  assert.equal(await page.nth("in", 3), "three");
});
