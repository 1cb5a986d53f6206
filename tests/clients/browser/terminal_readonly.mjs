// URL of a read-only program that says its size whenever that changes, and offers text for the clipboard at first.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2], { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  await page.shows("ready");
  assert.ok(await page.locator("#notice").isHidden(), "nothing is offered");
  assert.ok(await page.locator("#keys").isHidden(), "there is nothing to press keys for");
  await page.enter("typed");
  await page.setViewportSize({ width: 700, height: 500 });
  await page.locator(".xterm-rows > div", { hasText: /^resized/ }).first().waitFor();
  const text = await page.locator(".xterm-rows").textContent();
  assert.ok(!text.includes("typed"), text);
  // Nothing is lost by leaving.
  page.on("dialog", (dialog) => assert.fail(dialog.type()));
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
});
