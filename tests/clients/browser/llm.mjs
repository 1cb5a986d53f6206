// URL: an answer comes bit by bit and ends by itself; the next is stopped in the middle. Prints the first.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  await page.evaluate(() => {
    globalThis.lengths = [];
    new MutationObserver(() => lengths.push(document.querySelector(".answer")?.textContent.length ?? 0))
      .observe(document.getElementById("log"), { childList: true, subtree: true, characterData: true });
  });
  await page.fill("#question", "What is a WebSocket?");
  await page.press("#question", "Enter");
  await page.locator(".answer.done").waitFor();
  await page.locator("#state", { hasText: /^idle, \d+ tokens$/ }).waitFor();
  const answer = await page.locator(".answer").textContent();
  const lengths = await page.evaluate("lengths");
  assert.ok(new Set(lengths).size > 20, `it came in ${new Set(lengths).size} pieces`);
  assert.ok(answer.length > 50 && answer.trim().endsWith("."), answer);

  await page.fill("#question", "And what is <b>this</b>?");
  await page.click("#ask");
  await page.locator("#state", { hasText: /^answering, \d+ tokens$/ }).waitFor();
  await page.click("#stop");
  await waitForText(page, "#state", "stopped");
  assert.deepEqual(await page.locator(".question").allTextContents(), ["What is a WebSocket?", "And what is <b>this</b>?"]);
  console.log(answer);
});
