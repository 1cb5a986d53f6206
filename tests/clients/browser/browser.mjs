// A headless Chromium that ends with the script, whatever becomes of it.
import { tmpdir } from "node:os";
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const PATIENCE = 30_000; // milliseconds; never waited for when all is well

// The other end is the test: when it is gone, so are we, and our end takes the browser along.
process.stdin.on("end", () => process.exit(1)).resume().unref();

export async function browse(story, switches = []) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [...ARGUMENTS, ...switches],
    // What it writes beside its profile goes where the profile is.
    env: { ...process.env, HOME: tmpdir(), XDG_CONFIG_HOME: tmpdir(), XDG_CACHE_HOME: tmpdir() },
  });
  try {
    await story(browser);
  } finally {
    await browser.close();
  }
}

// A page in a context of its own; an exception in it ends the script.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  context.on("weberror", (error) => { throw error.error(); });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

export async function waitForText(page, selector, text) {
  await page.locator(selector, { hasText: new RegExp(`^${text}$`) }).first().waitFor();
}
