// URL of a quiz whose seconds are short: two players have the same question, the one that is right has points.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { browse, openPage, waitForText } from "./browser.mjs";

const rows = readFileSync(new URL("../../../examples/quiz/questions.tsv", import.meta.url), "utf8").trim().split("\n").map((row) => row.split("\t"));

await browse(async (browser) => {
  const join = async (name) => {
    const page = await openPage(browser, process.argv[2]);
    await waitForText(page, "#state", "open");
    await page.fill("#name", name);
    await page.press("#name", "Enter");
    return page;
  };
  const [ann, bob] = [await join("ann"), await join("<b>bob</b>")];
  await waitForText(ann, "#table li", "<b>bob</b>: 0");

  // Whoever is asked something with enough time left answers; the other way round it is the next question's turn.
  const answer = (page, is_right) => page.evaluate(([rows, is_right]) => new Promise((resolve) => {
    const look = setInterval(() => {
      const row = rows.find(([question]) => question === document.getElementById("question").textContent);
      if (!row || Number(document.getElementById("seconds").textContent) < 5) return;
      const button = [...document.querySelectorAll("#answers button")].find(({ textContent }) => textContent === row[is_right ? 1 : 2]);
      if (!button || button.disabled) return;
      clearInterval(look);
      button.click();
      resolve({ question: row[0], right: row[1] });
    }, 5);
  }), [rows, is_right]);
  const [first, second] = await Promise.all([answer(ann, true), answer(bob, false)]);
  const verdict = (page, text) => page.locator("#verdict", { hasText: text }).waitFor();
  await Promise.all([verdict(ann, `Right: ${first.right}`), verdict(bob, `It was: ${second.right}`)]);
  for (const page of [ann, bob]) {
    await waitForText(page, "#table li", "ann: 10");
    await waitForText(page, "#table li", "<b>bob</b>: 0");
  }
  assert.equal(await ann.locator("#table b").count(), 0);
  await bob.close();
  await ann.waitForFunction(() => document.querySelectorAll("#table li").length === 1);
});
