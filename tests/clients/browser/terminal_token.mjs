// URL of a shell, with a token in its query: the page's script and socket come by it, and its program does not see it.
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2]);
  await page.enter("echo $((6 * 7)) ${QUERY_STRING%%=*}");
  await page.shows("42 cols");
});
