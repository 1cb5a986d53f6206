// URL of an echo with length framing: on a phone's screen nothing is wider than it, and with its keyboard there is room
// for messages.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

const heightOf = async (locator) => (await locator.boundingBox()).height;

await browse(async (browser) => {
  for (const width of [320, 360, 390]) {
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
    const areOnScreen = async (controls) => {
      for (const control of controls) {
        const { x, y, width: w, height } = await page.locator(control).boundingBox();
        assert.ok(x >= 0 && x + w <= width && y >= 0 && y + height <= 700, `${control} is on the screen`);
      }
    };
    const always = ["#state", "#path", "#connect", "#filter", "#save", "#clear", "#kind", "#message", "#send"];
    await areOnScreen(always);
    // What is folded away comes back where it is wanted.
    assert.equal(await page.isVisible("#protocol"), false);
    await page.focus("#path");
    await areOnScreen([...always, "#protocol"]);
    await page.focus("#message");
    await page.setViewportSize({ width, height: 420 });
    const share = await heightOf(page.getByRole("log")) / 420;
    assert.ok(share >= 0.4, `${Math.round(share * 100)} % are for messages`);
    await page.setViewportSize({ width, height: 700 });
    await page.button("Disconnect").click();
    await page.state("closed");
    await areOnScreen([...always, "#protocol"]);
    await page.context().close();
  }

  // A keyboard that nobody asked for would cover half of it.
  const touched = await openConsole(browser, process.argv[2], { isMobile: true, hasTouch: true });
  await touched.state("open");
  assert.equal(await touched.evaluate("document.activeElement.id"), "");
  const typed = await openConsole(browser, process.argv[2]);
  await typed.state("open");
  assert.equal(await typed.evaluate("document.activeElement.id"), "message");
});
