// The screens on which a page is looked at, and whether it fits them.
import assert from "node:assert";

export const DESK = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
// A small one, most of which the keyboard takes.
export const SMALL = { viewport: { width: 360, height: 420 }, isMobile: true, hasTouch: true };

export async function fits(page, what) {
  const [content, box] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= box, `${what}: ${content} px wide in ${box} px`);
}
