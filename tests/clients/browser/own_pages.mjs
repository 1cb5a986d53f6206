// URL of a site with a listing at /shown/, NAME of a file there that is wider than a phone: pages that wsd makes can be
// read on it, and the one of a program leads to the console.
import assert from "node:assert";
import { keepsNobodyOut } from "./axe.mjs";
import { browse, openPage } from "./browser.mjs";

const [url, name] = process.argv.slice(2);
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

await browse(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    for (const path of ["shown/", "shown/none", "shown/%00"]) {
      const page = await openPage(browser, url + path, { ...PHONE, colorScheme, bypassCSP: true });
      const [content, box] = await page.locator("html").evaluate((html) => [html.scrollWidth, html.clientWidth]);
      assert.ok(content <= box, `${path} is ${content} px wide in ${box} px`);
      await keepsNobodyOut(page, `${path} ${colorScheme}`);
      await page.context().close();
    }
  }
  const page = await openPage(browser, `${url}shown/`, PHONE);
  const file = page.getByRole("link", { name, exact: true });
  const { x, width } = await file.boundingBox();
  assert.ok(x >= 0 && x + width <= 360);
  assert.equal(await file.evaluate((link) => link.scrollWidth > link.clientWidth), false);
  assert.equal(await page.getByRole("link", { name: '<b>bold<b> & "quoted".txt' }).count(), 1);
});
