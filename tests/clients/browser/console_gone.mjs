// URL and process id of an echo: when that has been ended, the console says that nothing answers.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  process.kill(Number(process.argv[3]), "SIGTERM");
  await page.state("closed");
  assert.match(await page.nth("close", 0), /^closed, code 1001: the server is stopping$/);
  await page.button("Connect").click();
  assert.match(await page.nth("error", 0), /^could not connect: nothing answers at localhost:\d+$/);
});
