// The terminal page, as its user sees it. The program is a shell without a prompt's frills.
import { openPage } from "./browser.mjs";

export async function openTerminal(browser, url, options) {
  const page = await openPage(browser, url, { ignoreHTTPSErrors: true, ...options });
  page.state = (state) => page.locator(`main[data-state="${state}"]`).waitFor();
  page.rows = page.locator(".xterm-rows > div");
  // A row that is this text and nothing else, but for spaces at its end.
  page.shows = async (text) => {
    const row = page.rows.filter({ hasText: new RegExp(`^${escape(text)}\\s*$`) }).first();
    await row.waitFor().catch(async (error) => {
      const rows = await page.rows.allTextContents();
      throw new Error(`no row is ${text}:\n${rows.join("\n")}`, { cause: error });
    });
  };
  page.says = (text) => page.locator(".panel", { hasText: text }).first().waitFor();
  page.enter = async (line) => {
    await page.keyboard.type(line);
    await page.keyboard.press("Enter");
  };
  // What is typed before a program has the terminal, the shell has taken in its own way.
  page.run = async (command) => {
    await page.enter(`clear; stty -echo; echo run; ${command}`);
    await page.shows("run");
  };
  await page.state("open");
  return page;
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
