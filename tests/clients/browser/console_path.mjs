// URL of a program that prints PATH_INFO and QUERY_STRING: the console connects to the path that is typed.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  assert.equal(await page.nth("in", 0), "/ ");
  await page.fill("#path", "/some/path?color=blue");
  await page.press("#path", "Enter");
  assert.equal(await page.nth("in", 1), "/some/path color=blue");
});
