// URL of a program that keeps back what it prints, and of one that ends before anything of it is there: the console says
// what the one may be, and of the other what it was.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  await page.say("a");
  const hint = page.getByRole("log").getByText("--unbuffer").first();
  await hint.waitFor();
  const text = await hint.textContent();
  assert.match(text, /^No answer for 2 s\./);
  assert.match(text, /flush/);
  assert.match(text, /python3 -u/);

  const late = await openConsole(browser, process.argv[3]);
  assert.match(await late.nth("hint", 0), /^All output came only when the program had ended.*--unbuffer/);
});
