import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";
const [url, out] = process.argv.slice(2);
await browse(async (browser) => {
  for (const [name, options] of Object.entries({
    desk: { viewport: { width: 1280, height: 800 } },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  })) for (const colorScheme of ["light", "dark"]) {
    const page = await openConsole(browser, url, { ...options, colorScheme });
    page.on("console", (m) => console.log(name, m.text()));
    const shot = (what) => page.screenshot({ path: `${out}/${name}-${colorScheme}-${what}.png` });
    await page.state("open");
    await page.say("hello there");
    await page.say('{"a": 1, "b": [true, null]}');
    await page.nth("in", 2);
    await page.waitForTimeout(500);
    await shot("open");
    await page.fill("#message", '{\n  "a": 1,\n  "b": 2\n}');
    await page.waitForTimeout(200);
    await shot("advice");
    await page.getByRole("button", { name: "Pretty" }).first().click();
    await page.fill("#message", "");
    await page.say("die");
    await page.state("closed");
    await page.rows("close").first().waitFor();
    await page.waitForTimeout(300);
    await shot("dead");
    await page.context().close();
  }
});
