// URL of a shell: "Leave the page?" is asked of who has typed, while the program runs.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  // What leaving meets: true for a question.
  const leave = async (page, answer) => {
    const asked = page.waitForEvent("dialog");
    const closed = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    const dialog = await Promise.race([asked.catch(() => undefined), closed.then(() => undefined, () => undefined)]);
    if (!dialog) return false;
    assert.equal(dialog.type(), "beforeunload");
    await (answer ? dialog.accept() : dialog.dismiss());
    return true;
  };
  const idle = await openTerminal(browser, process.argv[2]);
  // A program's question, which the page answers, is nobody's typing.
  await idle.mouse.click(300, 300);
  assert.equal(await leave(idle), false);

  const used = await openTerminal(browser, process.argv[2]);
  await used.enter("X=still");
  assert.equal(await leave(used, false), true);
  await used.enter("echo $X-here");
  await used.shows("still-here");
  await used.enter("exit");
  await used.state("ended");
  assert.equal(await leave(used), false);
});
