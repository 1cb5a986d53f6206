// URL URL TEXT: pages of two machines are in one room; a third line, TEXT, comes from a shell.
import { browse, openPage, waitForText } from "./browser.mjs";

const [one, two, text] = process.argv.slice(2);

await browse(async (browser) => {
  const pages = [];
  for (const url of [one, two]) {
    pages.push(await openPage(browser, url));
    await waitForText(pages.at(-1), "#state", "open");
  }
  for (const [speaker, said] of [[0, "from here"], [1, "from there"]]) {
    await pages[speaker].fill("#message", said);
    await pages[speaker].press("#message", "Enter");
    for (const page of pages) await waitForText(page, "#log li", `somebody: ${said}`);
  }
  // The test says it again and again until we end.
  for (const page of pages) await waitForText(page, "#log li", text);
});
