// URL FILE: the page shows the file's end as it grows, and of it only what it asks for.
import assert from "node:assert";
import { appendFileSync } from "node:fs";
import { browse, openPage, waitForText } from "./browser.mjs";

const [url, file] = process.argv.slice(2);

await browse(async (browser) => {
  const open = async () => {
    const page = await openPage(browser, url);
    await waitForText(page, "#state", "open");
    return page;
  };
  const rows = (page) => page.locator("#log li").allTextContents();
  const only = async (page, text) => {
    await page.fill("#filter", text);
    await page.press("#filter", "Enter");
  };
  const [all, errors] = [await open(), await open()];
  await waitForText(all, "#log li", "old: an Error");
  await only(errors, "error");
  await errors.locator("#log mark", { hasText: /^Error$/ }).waitFor();
  appendFileSync(file, "new: fine\nnew: <b>error</b> *.[\n");
  await waitForText(all, "#log li", "new: <b>error</b> \\*\\.\\[");
  await waitForText(errors, "#log li", "new: <b>error</b> \\*\\.\\[");
  assert.deepEqual(await rows(errors), ["old: an Error", "new: <b>error</b> *.["]);
  assert.deepEqual(await rows(all), ["old: fine", "old: an Error", "new: fine", "new: <b>error</b> *.["]);
  // A text is a text, neither a pattern nor an option.
  for (const text of ["*.[", "-v fine"]) {
    await only(errors, text);
    await errors.waitForFunction((count) => document.querySelectorAll("#log li").length === count, text === "*.[" ? 1 : 0);
  }
  await only(errors, "");
  await errors.waitForFunction(() => document.querySelectorAll("#log li").length === 4);
});
