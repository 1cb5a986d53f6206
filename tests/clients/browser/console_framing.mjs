// URL of a server with an echo by lines at /lines, and one by bytes at /bytes: the console offers what is possible.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, `${process.argv[2]}#path=/lines`);
  await page.state("open");
  const how = (text) => page.locator("#how", { hasText: text }).waitFor();
  const hex = page.locator("#kind option[value=hex]");
  await how("one line for the program");
  assert.equal(await hex.isDisabled(), true);

  // What is pasted.
  const advice = page.locator("#advice");
  await page.fill("#message", '{\n  "a": [1, 2]\n}');
  assert.match(await advice.innerText(), /This becomes 3 lines: the program reads 3 messages\./);
  // With a phone's keyboard there is room for messages beside it.
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 420 });
  const { height } = await page.getByRole("log").boundingBox();
  assert.ok(height >= 0.4 * 420, `${height} of 420 px are for messages`);
  await page.setViewportSize(before);
  await page.button("Make it one line").click();
  assert.equal(await page.inputValue("#message"), '{"a":[1,2]}');
  assert.equal(await advice.isVisible(), false);
  await page.fill("#message", "not\njson");
  assert.match(await advice.innerText(), /2 lines/);
  assert.equal(await page.button("Make it one line").isVisible(), false);
  await page.press("#message", "Enter");
  assert.deepEqual([await page.nth("in", 0), await page.nth("in", 1)], ["not", "json"]);

  await page.box("Path and query").fill("/bytes");
  await page.box("Path and query").press("Enter");
  await how("Bytes as they are");
  assert.equal(await hex.isDisabled(), false);
  await page.selectOption("#kind", "hex");
  await page.say("00 ff");
  assert.match(await page.nth("in", 2), /^0000 {2}00 ff /);
  assert.equal(await advice.isVisible(), false);
});
