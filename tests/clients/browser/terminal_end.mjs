// URL of a shell: the page says how it ended, and starts it again on Enter, not by itself.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2]);
  let sockets = 1;
  page.on("websocket", () => sockets++);
  for (const [command, end] of [
    ["exit 0", "The program has ended."],
    ["exit 3", "exit status 3."],
    ["exit 130", "exit status 130."],
    ["kill -9 $$", "signal 9 (SIGKILL)."],
    ["kill -TERM $$; kill -HUP $$", "signal 1 (SIGHUP)."],
  ]) {
    await page.enter(`clear; echo "last words"; ${command}`);
    await page.state("ended");
    await page.says(end);
    // Before the end all is drawn, and the panel covers none of it.
    await page.shows("last words");
    assert.match(await page.title(), /^Ended: /);
    const before = sockets;
    await page.keyboard.press("x");
    await page.keyboard.press("Enter");
    await page.state("open");
    assert.equal(sockets, before + 1, command);
    await page.locator(".panel:visible").waitFor({ state: "detached" });
  }
  // What one has drawn stays when the next one starts, which has nothing of what was typed between.
  await page.shows("last words");
  await page.shows("— started again —");
  await page.enter("exit 5");
  await page.state("ended");
  await page.getByRole("button", { name: "Start again" }).click();
  await page.state("open");
  await page.enter("echo focus");
  await page.shows("focus");
});
