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

  // Who is asked something with enough time left answers, and is told what was right; who misses that answers the next.
  const play = (page, is_right) => page.evaluate(([rows, is_right]) => new Promise((resolve) => {
    const text = (id) => document.getElementById(id).textContent;
    let answered;
    const look = setInterval(() => {
      if (answered && text("verdict") === `${is_right ? "Right" : "It was"}: ${answered[1]}`) {
        clearInterval(look);
        resolve();
      }
      const row = rows.find(([question]) => question === text("question"));
      if (!row || row === answered || Number(text("seconds")) < 5) return;
      const button = [...document.querySelectorAll("#answers button")].find(({ textContent }) => textContent === row[is_right ? 1 : 2]);
      if (!button || button.disabled) return;
      button.click();
      answered = row;
    }, 5);
  }), [rows, is_right]);
  await Promise.all([play(ann, true), play(bob, false)]);
  for (const page of [ann, bob]) {
    await page.locator("#table li", { hasText: /^ann: [1-9]0$/ }).waitFor();
    await waitForText(page, "#table li", "<b>bob</b>: 0");
  }
  assert.equal(await ann.locator("#table b").count(), 0);
  await bob.close();
  await ann.waitForFunction(() => document.querySelectorAll("#table li").length === 1);
});
