// URL of an echo with length framing: on a phone's screen nothing is wider than it.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  for (const width of [320, 390]) {
    const page = await openConsole(browser, process.argv[2], {
      viewport: { width, height: 700 }, isMobile: true, hasTouch: true,
    });
    await page.state("open");
    await page.say("x".repeat(2000));
    await page.nth("in", 0);
    await page.selectOption("#kind", "hex");
    await page.say("00ff".repeat(200));
    await page.nth("in", 1);
    for (const element of ["html", "body", "#log"]) {
      const [content, box] = await page.locator(element).evaluate((e) => [e.scrollWidth, e.clientWidth]);
      assert.ok(content <= box, `${element} is ${content} px wide in ${box} px`);
    }
    assert.equal(await page.evaluate("visualViewport.width"), width);
    for (const control of ["#path", "#protocol", "#connect", "#kind", "#message", "#send", "#clear"]) {
      const { x, y, width: w, height } = await page.locator(control).boundingBox();
      assert.ok(x >= 0 && x + w <= width && y >= 0 && y + height <= 700, `${control} is on the screen`);
    }
  }
});
