// URL of an echo with --binary: bytes are sent from hex and shown as hex.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  await page.selectOption("#kind", "hex");
  await page.say("00 ff 0a 41");
  assert.match(await page.nth("in", 0), /^0000 {2}00 ff 0a 41 +\.\.\.A$/);
  assert.equal(await page.rows("in").first().locator(".size").textContent(), "4 B binary");

  await page.say("0");
  assert.match(await page.textContent("#complaint"), /^bad hex: /);
  assert.equal(await page.rows("out").count(), 1);
});
