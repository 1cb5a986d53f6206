// URL of a program that never stops writing: while a flood goes on, one can type, send, scroll back and disconnect.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.counts("in", 10_000);
  // From a key to the next frame, as a median: in a flood as without one, but for what a busy machine takes.
  const typing = await page.evaluate(async () => {
    const times = [];
    for (let key = 0; key < 20; key++) {
      const begun = performance.now();
      message.value += "x";
      message.dispatchEvent(new Event("input"));
      await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
      times.push(performance.now() - begun);
      await new Promise((later) => setTimeout(later, 37));
    }
    write("");
    return times.sort((a, b) => a - b)[10];
  });
  console.log(`typing takes ${typing.toFixed(1)} ms`);
  assert.ok(typing < 100, `${typing} ms`);
  await page.locator("#message").pressSequentially("hi");
  assert.equal(await page.inputValue("#message"), "hi");
  await page.press("#message", "Enter");
  await page.counts("out", 1);
  await page.locator("#log").evaluate((log) => { log.scrollTop = 0; });
  await page.click("#newest");
  const before = await page.evaluate("count.in");
  await page.counts("in", before + 1_000);
  assert.ok(await page.locator("#log .row").count() <= 3000);
  await page.button("Disconnect").click();
  await page.state("closed");
  assert.match(await page.nth("close", 0), /^closed, code 1000 /);
});
