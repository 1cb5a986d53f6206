// URL of a program that says "one" on stderr, and after a message six words more, and exits with 3.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  const log = page.getByRole("log");
  const said = log.getByText(/^stderr/).first();
  await said.waitFor();
  assert.equal(await page.nth("stderr", 0), "stderr one");
  await page.say("go on");
  await page.rows("close").waitFor();
  const end = await page.rows("close").locator(".body").innerText();
  assert.equal(end, "closed, code 4003: the program exited with status 3\n"
    + "its last words on stderr:\nword 2\nword 3\nword 4\nword 5\nword 6");
  assert.equal((await log.innerText()).match(/status 3/g).length, 1);
  const color = (selector) => page.locator(selector).evaluate((element) => getComputedStyle(element).color);
  assert.equal(await color("#log .row[data-kind=close] .body"), "rgb(179, 38, 30)");
});
