// URL of `seq 1 100000`: all are counted, the last is in view, and no more than 3,000 rows are kept.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  // A machine that is busy with other things takes its time.
  await page.rows("close").waitFor({ timeout: 120_000 });
  assert.match(await page.text("close").textContent(), /^closed, code 1000 /);
  assert.equal(await page.text("in").last().textContent(), "100000");
  assert.equal(await page.textContent("#in"), "100,000");
  const rows = await page.locator("#log .row").count();
  assert.ok(rows <= 3000, `${rows} rows`);
  const hidden = await page.locator("#log").evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
  assert.ok(hidden < 12, `the newest row is ${hidden} px below what is in view`);
  const numbers = await page.text("in").allTextContents();
  assert.deepEqual(numbers, numbers.map((_, n) => String(100_001 - numbers.length + n)));
});
