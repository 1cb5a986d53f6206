// URL: the echo page asks for the subprotocol of the talk, and what is sent comes back.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  await waitForText(page, "#state", "open");
  assert.equal(await page.evaluate("socket.protocol"), "ex1");
  for (const text of ["hello", "żółw <b>&amp;</b> 😀", ""]) {
    await page.fill("#message", text);
    await page.press("#message", "Enter");
  }
  await page.locator("#log li").nth(5).waitFor();
  const rows = await page.locator("#log li").allTextContents();
  assert.deepEqual(rows.filter((row) => row[0] === "←"), ["← hello", "← żółw <b>&amp;</b> 😀", "← "]);
});
