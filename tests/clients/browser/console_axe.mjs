// URL of a program that says JSON and a word on stderr, and exits with 3 after a message: nothing on the page keeps
// anybody out, whatever it shows, nor do the pages of refusals.
import { browse, openPage } from "./browser.mjs";
import { keepsNobodyOut } from "./axe.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    for (const device of [{}, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]) {
      const options = { colorScheme, ...device, bypassCSP: true };
      const page = await openConsole(browser, process.argv[2], options);
      const look = (what) => keepsNobodyOut(page, `${what}, ${JSON.stringify(options)}`);
      await page.nth("in", 0);
      await page.nth("stderr", 0);
      await look("open");
      await page.getByRole("button", { name: "Pretty", exact: true }).click();
      await page.fill("#message", '{\n"a": 1}');
      await look("advice");
      await page.fill("#message", "x".repeat(5000));
      await page.press("#message", "Enter");
      await page.rows("close").waitFor();
      await page.say("nobody there");
      await page.evaluate(() => say("hint", "a hint"));
      await page.rows("hint").waitFor();
      await look("closed");
      await page.box("Path and query").fill("/%00");
      await page.button("Connect").click();
      await page.rows("error").waitFor();
      await page.box("Filter").fill("refused");
      await look("refused");
      await page.context().close();

      const refusal = await openPage(browser, `${process.argv[2]}elsewhere`, options);
      await keepsNobodyOut(refusal, `a refusal, ${JSON.stringify(options)}`);
      await refusal.context().close();
    }
  }
});
