// URL: the fizzbuzz page gets the answers to 0 … 100, in order, and bad input does not end it.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

const expected = Array.from({ length: 101 }, (_, n) =>
  `${n} => ${n % 15 === 0 ? "FizzBuzz" : n % 5 === 0 ? "Buzz" : n % 3 === 0 ? "Fizz" : n}`);

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  await waitForText(page, "#state", "open");
  assert.equal(await page.evaluate("socket.protocol"), "ex2");

  const answers = page.locator("#answers li");
  await page.click("#run");
  await answers.nth(100).waitFor();
  assert.deepEqual(await answers.allTextContents(), expected);

  await page.fill("#input", "fifteen");
  await page.click("#send");
  await answers.nth(101).waitFor();
  assert.equal(await answers.nth(101).textContent(), "error: cannot process input");

  await page.fill("#input", "15");
  await page.press("#input", "Enter");
  await answers.nth(102).waitFor();
  assert.equal(await answers.nth(102).textContent(), "15 => FizzBuzz");
});
