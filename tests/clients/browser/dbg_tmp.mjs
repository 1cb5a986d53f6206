import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";
const [url, out] = process.argv.slice(2);
await browse(async (browser) => {
  const page = await openConsole(browser, url, { viewport: { width: 1000, height: 640 } });
  await page.state("open");
  await page.nth("in", 0);
  await page.nth("stderr", 0);
  await page.say("north");
  await page.nth("in", 1);
  await page.say("up");
  await page.rows("close").first().waitFor();
  await page.waitForTimeout(300);
  await page.mouse.move(600, 155);
  await page.evaluate(() => { document.activeElement.blur();  });
  await page.waitForTimeout(200);
  await page.screenshot({ path: `${out}/picture.png` });
  await page.evaluate(() => { log.scrollTop = 1e6; });
});
