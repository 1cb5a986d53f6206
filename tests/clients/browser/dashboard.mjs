// URL: lines of vmstat become a chart; a page that comes later has what went before.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const points = (page, line) => page.evaluate((line) =>
    document.querySelectorAll("#processors polyline")[line]?.getAttribute("points").split(" ").length ?? 0, line);
  const open = async () => {
    const page = await openPage(browser, process.argv[2]);
    await waitForText(page, "#state", "open");
    return page;
  };
  const first = await open();
  await first.waitForFunction(() => document.querySelector("#processors polyline")?.getAttribute("points").split(" ").length >= 3);
  assert.match(await first.textContent("#processor-values"), /user\d+system\d+waiting for disks\d+/);
  assert.match(await first.textContent("#memory-values"), /free\d+\.\dfiles\d+\.\d/);
  const free = Number((await first.textContent("#memory-values")).match(/free(\d+\.\d)/)[1]);
  assert.ok(free > 0, "some memory is free");
  const late = await open();
  await late.waitForFunction(() => document.querySelector("#processors polyline")?.getAttribute("points").split(" ").length >= 3);
  assert.ok(await points(late, 2) >= 3);
});
