// URL of a shell: a program's text comes into the clipboard by a click, and the clipboard's to no program.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

const base64 = (text) => Buffer.from(text).toString("base64");

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2], { permissions: ["clipboard-read", "clipboard-write"] });
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.evaluate(() => navigator.clipboard.writeText("mine"));
  const offer = (text, selection = "c") => page.enter(`printf '\\e]52;${selection};${base64(text)}\\a'`);

  await offer("of the program: żółw");
  await page.says("“of the program: żółw”");
  assert.equal(await clipboard(), "mine", "nobody has clicked");
  await page.getByRole("button", { name: "No" }).click();
  await page.locator("#notice:visible").waitFor({ state: "detached" });
  await offer("one\nof two lines \u202e", "");
  await page.says("“one of two lines”");
  await page.getByRole("button", { name: "Copy" }).click();
  await page.locator("#notice:visible").waitFor({ state: "detached" });
  assert.equal(await clipboard(), "one\nof two lines \u202e");

  // Keys lead there too, and back.
  await offer("by keys");
  await page.says("by keys");
  await page.keyboard.press("Control+Shift+Enter");
  await page.keyboard.press("Enter");
  await page.locator("#notice:visible").waitFor({ state: "detached" });
  assert.equal(await clipboard(), "by keys");

  // A question for the clipboard stays without an answer: the first that comes is the next question's.
  await page.enter("clear; stty -icanon -echo; printf '\\e]52;c;?\\a\\e[6n'; read -rd R answer; stty icanon echo; "
    + "printf '%s' \"$answer\" | od -An -c | tr -d ' \\n'; echo");
  await page.shows("033[1;1");

  // What is selected is copied with the key that terminals have for it.
  await page.enter("clear; echo selectable");
  await page.shows("selectable");
  const { x, y } = await page.rows.filter({ hasText: /^selectable/ }).last().boundingBox();
  await page.mouse.dblclick(x + 30, y + 8);
  await page.keyboard.press("Control+Shift+c");
  while (await clipboard() !== "selectable") await page.evaluate(() => new Promise(requestAnimationFrame));
});
