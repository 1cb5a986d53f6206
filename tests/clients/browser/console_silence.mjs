// URL of a program that keeps back what it prints: the console says what that may be, and when it has ended, what it was.
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
  await page.say("a");
  await page.button("Disconnect").click();
  await page.state("closed");
  assert.match(await page.nth("hint", 1), /^All output came only when the program had ended/);
});
