// The developer console, as its user sees it.
import { openPage } from "./browser.mjs";

export async function openConsole(browser, url, options) {
  // A certificate made for a test is vouched for by nobody.
  const page = await openPage(browser, url, { ignoreHTTPSErrors: true, ...options });
  // Rows of a kind: in, out, open, close, error, info.
  page.rows = (kind) => page.locator(`#log .row[data-kind="${kind}"]`);
  page.text = (kind) => page.rows(kind).locator(".text");
  page.state = (state) => page.locator(`#state[data-state="${state}"]`).waitFor();
  // Waits until so many messages have come or gone; the page's policy lets no text be run.
  page.counts = (way, number) => page.evaluate(([way, number]) => new Promise((resolve) => {
    const look = () => count[way] >= number ? resolve() : requestAnimationFrame(look);
    look();
  }), [way, number]);
  page.button = (name) => page.getByRole("button", { name, exact: true });
  page.box = (name) => page.getByRole("textbox", { name, exact: true });
  page.say = async (text) => {
    await page.fill("#message", text);
    await page.press("#message", "Enter");
  };
  // Rows are drawn with the next frame, so the n-th is waited for.
  page.nth = async (kind, n) => {
    await page.rows(kind).nth(n).waitFor();
    return page.text(kind).nth(n).textContent();
  };
  return page;
}
