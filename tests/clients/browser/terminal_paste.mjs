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
  await page.run("printf '\\e[?2004hset\\n'; cat -v");
  await page.shows("set");
  await paste("one\u001b[201~; two");
  await page.enter("");
  await page.shows("^[[200~one[201~; two^[[201~");
  await page.keyboard.press("Control+c");
  await page.run("printf '\\e[?2004lunset\\n'; cat | wc -c");
  await page.shows("unset");
  await paste(`${"x".repeat(99)}\n`.repeat(2000));
  await page.keyboard.press("Control+d");
  await page.shows("200000");
});
