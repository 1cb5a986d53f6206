// URL of an echo: what is typed comes back in a row with the time, after connecting by hand too.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  await page.say("hello");
  assert.equal(await page.nth("in", 0), "hello");
  assert.equal(await page.nth("out", 0), "hello");
  assert.equal(await page.inputValue("#message"), "");
  const time = page.rows("in").first().locator("time");
  assert.match(await time.textContent(), /^\d\d:\d\d:\d\d\.\d{3}$/);
  const age = Date.now() - Date.parse(await time.getAttribute("datetime"));
  assert.ok(age >= 0 && age < 60_000, `${age} ms`);

  await page.button("Disconnect").click();
  await page.state("closed");
  assert.equal(await page.nth("close", 0), "closed, code 1000 (normal end)");
  await page.fill("#protocol", "ex1, ex2");
  await page.button("Connect").click();
  await page.state("open");
  assert.equal(await page.nth("open", 1), "open, subprotocol ex1");
  await page.say("hello again");
  assert.equal(await page.nth("in", 1), "hello again");
});
