// URL of a shell: what is typed reaches it, with all keys that terminals have, and what it says is drawn.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2]);
  await page.enter("echo $((6 * 7))-żółw-日本-😀");
  await page.shows("42-żółw-日本-😀");

  // As `cat -v` shows them; the terminal's driver takes ^C itself.
  await page.run("cat -v");
  for (const key of ["Escape", "Tab", "ArrowUp", "ArrowDown", "F5", "Home", "PageDown", "Control+a", "Alt+x", "z", "Backspace"]) {
    await page.keyboard.press(key);
  }
  await page.enter("");
  await page.shows("^[\t^[[A^[[B^[[15~^[[H^[[6~^A^[x".replace("\t", "      "));
  await page.keyboard.press("Control+c");
  await page.enter("stty echo; echo code $?");
  await page.shows("code 0");

  // A flood stops at once for who types.
  await page.enter("yes");
  await page.shows("y");
  await page.keyboard.press("Control+c");
  await page.enter("clear; echo quiet again");
  await page.shows("quiet again");

  // Modes of the program's: an application's cursor keys, a title, whose controls are none.
  await page.run("printf '\\e[?1hset\\n'; cat -v");
  await page.shows("set");
  await page.keyboard.press("ArrowUp");
  await page.enter("");
  await page.shows("^[OA");
  await page.keyboard.press("Control+c");
  await page.enter("stty echo");
  await page.enter("printf '\\e]2;a\\u202etitle\\a'; echo done");
  await page.shows("done");
  assert.equal(await page.title(), "a title");
});
