// URL of a program that exits with 3: the console says so, and complains if one then sends.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("closed");
  assert.equal(await page.nth("close", 0), "closed, code 4003: the program exited with status 3");
  await page.say("anybody there?");
  assert.equal(await page.textContent("#complaint"), "not connected: nothing was sent");
  assert.equal(await page.inputValue("#message"), "anybody there?");
});
