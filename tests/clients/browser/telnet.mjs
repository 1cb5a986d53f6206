// URL: the telnet page logs in, hides the password, asks for the time, and is told when the server has ended.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  await waitForText(page, "#state", "open");
  const screen = page.locator("#screen");
  const shows = (text) => screen.filter({ hasText: text }).waitFor();
  const say = async (line) => {
    await page.fill("#line", line);
    await page.press("#line", "Enter");
  };

  await shows(/name: $/);
  await say("Zoë");
  await shows(/password \(any will do\): $/);
  assert.equal(await page.getAttribute("#line", "type"), "password");
  await say("s3cret");
  await shows(/hello Zoë, your terminal is dumb, your window 80x24/);
  assert.equal(await page.getAttribute("#line", "type"), "text");
  assert.ok(!(await screen.textContent()).includes("s3cret"));
  await say("<b>bold</b>");
  await shows(/what is <b>bold<\/b>\?/);

  // Keys one by one.
  await screen.focus();
  await page.keyboard.type("time");
  await page.keyboard.press("Enter");
  await shows(/\d\d:\d\d:\d\d \d{4}\s+time, quit> $/);

  await say("quit");
  await shows(/bye\s+$/);
  await waitForText(page, "#state", "closed, code 1000");
  await page.click("#again");
  await waitForText(page, "#state", "open");
});
