// URL of a server without COMMAND, with one program at a time, an echo at /echo and a program at /gone that has gone:
// the console says why it was refused, and what helps; another path is reached in the same console.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  const row = async (n) => {
    await page.rows("error").nth(n).waitFor();
    return page.rows("error").nth(n).locator(".body").innerText();
  };
  const to = async (path) => {
    await page.box("Path and query").fill(path);
    await page.box("Path and query").press("Enter");
  };
  assert.match(await row(0), /^refused with 404: nothing answers at this address; WebSockets are answered at \/echo, \/gone\n.*--route/);
  await to("/gone");
  assert.match(await row(1), /^refused with 500: the program cannot be started: No such file .*\n.*chmod \+x/);
  // Once, and no word of a close that tells nobody anything.
  assert.equal(await page.rows("close").count(), 0);
  await to("/echo");
  await page.state("open");
  await page.say("hello");
  assert.equal(await page.nth("in", 0), "hello");

  const other = await openConsole(browser, `${process.argv[2]}#path=/echo`);
  await other.rows("error").waitFor();
  assert.match(await other.rows("error").innerText(), /refused with 503: as many programs are running as --maxforks=1 allows/);
  await page.button("Disconnect").click();
  await page.state("closed");
  // The program ends a moment behind the session that it had.
  const open = other.locator('#state[data-state="open"]');
  for (let refused = 1; await open.count() === 0; refused++) {
    await other.button("Connect").click();
    await open.or(other.rows("error").nth(refused)).first().waitFor();
  }

  // What the browser itself refuses.
  const refused = await openConsole(browser, `${process.argv[2]}#path=/echo&protocol=a,a`);
  await refused.rows("error").filter({ hasText: "duplicated" }).waitFor();
});
