// URL of a shell: the program has the window's size from its start, and is told of each other one.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2], {
    viewport: { width: 1280, height: 800 }, colorScheme: "dark",
  });
  const size = async () => {
    const { cols, rows } = await page.evaluate(() => {
      const rows = document.querySelectorAll(".xterm-rows > div").length;
      const { width } = document.querySelector(".xterm-rows").getBoundingClientRect();
      const cell = document.querySelector(".xterm-cursor").getBoundingClientRect().width;
      return { rows, cols: Math.round(width / cell) };
    });
    return `${rows} ${cols}`;
  };
  const first = await size();
  await page.enter("stty size");
  await page.shows(first);
  assert.ok(await page.locator("#size").isHidden(), "nothing was resized");

  await page.enter("clear; trap 'echo; stty size' WINCH");
  await page.setViewportSize({ width: 900, height: 500 });
  await page.locator("#size:visible").waitFor();
  const second = await size();
  assert.notEqual(second, first);
  await page.shows(second);
  assert.equal(await page.locator("#size").textContent(), second.split(" ").reverse().join(" × "));
  await page.locator("#size").waitFor({ state: "hidden" });

  const text = () => page.locator(".xterm-rows").evaluate((rows) => getComputedStyle(rows).fontSize);
  const ground = () => page.locator(".xterm-viewport, .xterm-scrollable-element").first()
    .evaluate((element) => getComputedStyle(element.closest("html")).backgroundColor);
  const before = [await text(), await ground()];
  assert.equal(before[0], "15px");
  await page.evaluate(() => { location.hash = "size=30&theme=light"; });
  await page.locator("#size:visible").waitFor();
  assert.equal(await text(), "30px");
  assert.notEqual(await ground(), before[1]);
  await page.evaluate(() => { location.hash = "size=huge&theme=pink"; });
  await page.locator("html[data-theme='']").waitFor();
  assert.deepEqual([await text(), await ground()], before);
  await page.state("open");
});
