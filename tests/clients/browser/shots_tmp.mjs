import { browse, openPage } from "./browser.mjs";
import { openConsole } from "./console.mjs";
const [url, out] = process.argv.slice(2);
await browse(async (browser) => {
  for (const [name, options] of Object.entries({
    desk: { viewport: { width: 1280, height: 800 } },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
    keys: { viewport: { width: 390, height: 420 }, isMobile: true, hasTouch: true },
    small: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  })) for (const colorScheme of name[0] < "l" ? ["light", "dark"] : ["light", "dark"]) {
    const page = await openConsole(browser, url + "#path=/prog", { ...options, colorScheme });
    const shot = (what) => page.screenshot({ path: `${out}/${name}-${colorScheme}-${what}.png` });
    await page.state("open");
    await page.say("hello there");
    await page.say('{"a": 1, "b": [true, null]}');
    await page.nth("in", 2);
    await page.waitForTimeout(500);
    await shot("open");
    if (name !== "keys" ) {
    await page.fill("#filter", "hello");
    await page.focus("#path");
    await shot("filter");
    await page.fill("#filter", "");
    await page.focus("#message");
    await page.fill("#message", '{\n  "a": 1,\n  "b": 2\n}');
    await page.waitForTimeout(200);
    await shot("advice");
    await page.getByRole("button", { name: "Pretty" }).first().click();
    await page.fill("#message", "");
    await page.say("slow");
    await page.waitForTimeout(2400);
    await page.say("die");
    await page.state("closed");
    await page.rows("close").first().waitFor();
    await page.box("Path and query").fill("/nowhere");
    await page.button("Connect").click();
    await page.rows("error").first().waitFor();
    await page.waitForTimeout(300);
    await shot("dead");
    }
    await page.context().close();
    for (const path of ["nowhere", "files/", "files/none"]) {
      const other = await openPage(browser, url + path, { ...options, colorScheme });
      await other.screenshot({ path: `${out}/${name}-${colorScheme}-${path.replaceAll("/", "_")}.png` });
      await other.context().close();
    }
  }
});
