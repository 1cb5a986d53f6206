// URL …: the pages of examples keep nobody out, light and dark, on a phone and on a desk.
import { keepsNobodyOut } from "./axe.mjs";
import { browse, openPage } from "./browser.mjs";
import { DESK, fits, PHONE, SMALL } from "./screens.mjs";

await browse(async (browser) => {
  for (const url of process.argv.slice(2)) {
    for (const colorScheme of ["light", "dark"]) {
      for (const device of [DESK, PHONE, SMALL]) {
        const page = await openPage(browser, url, { colorScheme, ...device });
        await page.locator("#state, #log li", { hasText: /open|idle/ }).first().waitFor();
        const what = `${await page.title()}, ${colorScheme}, ${device.viewport.width}`;
        await keepsNobodyOut(page, what);
        await fits(page, what);
        await page.context().close();
      }
    }
  }
});
