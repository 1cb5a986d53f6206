// URL NAME…: the editor completes names with a language server. With the example's own it also finds errors and explains.
import assert from "node:assert";
import { keepsNobodyOut } from "./axe.mjs";
import { browse, openPage, waitForText } from "./browser.mjs";

const [url, server] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await openPage(browser, url);
  await waitForText(page, "#state", "open");
  const write = (text) => page.fill("#text", text);
  const end = () => page.press("#text", "Control+End");

  await write("größe = '€ 日本 🎉'\nprint(grö");
  await end();
  await page.press("#text", "Control+ ");
  await page.getByRole("option", { name: /^größe$/ }).waitFor();
  await keepsNobodyOut(page, "with completions");
  await page.press("#text", "Enter");
  assert.equal(await page.inputValue("#text"), "größe = '€ 日本 🎉'\nprint(größe");
  if (server !== "own") return;

  // Behind a character of two UTF-16 units the error is where it is.
  await write("x = '🎉' 1\n");
  await page.getByRole("button", { name: /^line 1: / }).click();
  assert.equal(await page.evaluate("document.getElementById('text').selectionStart"), 9);
  await waitForText(page, "#count", "1 problem");
  await write("x = '🎉'\npri");
  await waitForText(page, "#count", "no problems");

  await end();
  await page.click("#complete");
  await page.getByRole("option", { name: "print", exact: true }).waitFor();
  await page.press("#text", "ArrowDown");
  await page.press("#text", "ArrowUp");
  await page.press("#text", "Escape");
  await page.locator("#names").waitFor({ state: "hidden" });
  await page.click("#complete");
  await page.getByRole("option", { name: "print", exact: true }).click();
  assert.equal(await page.inputValue("#text"), "x = '🎉'\nprint");
  await page.press("#text", "F1");
  await page.locator("#about", { hasText: "Prints the values to a stream" }).waitFor();
  await write("nothing_known");
  await page.click("#explain");
  await waitForText(page, "#about", "Nothing is known of this\\.");
});
