// URL of a shell: what is pasted is one piece, and an escape in it ends no brackets.
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2]);
  const paste = (text) => page.evaluate((text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.querySelector("textarea").dispatchEvent(
      new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
  await page.enter("stty -echo; printf '\\e[?2004h'; cat -v");
  await paste("one\u001b[201~; two");
  await page.enter("");
  await page.shows("^[[200~one[201~; two^[[201~");
  await page.keyboard.press("Control+c");
  await page.enter("printf '\\e[?2004l'; cat | wc -c");
  await paste(`${"x".repeat(99)}\n`.repeat(2000));
  await page.keyboard.press("Control+d");
  await page.shows("200000");
});
