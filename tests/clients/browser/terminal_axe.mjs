// URL of a shell: nothing on the page keeps anybody out, whatever it shows.
import { browse } from "./browser.mjs";
import { keepsNobodyOut } from "./axe.mjs";
import { openTerminal } from "./terminal.mjs";

const SAYS = [
  ["text", "for c in 30 31 32 33 34 35 36 37 90 91 92 93 94 95 96 97; do printf '\\e['$c'm text \\e[1mbold \\e[7mreverse\\e[0m '; done; printf '\\n\\e[7mreverse\\e[0m'; echo; echo drawn"],
  ["an offer", "printf '\\e]52;c;aGVsbG8=\\a'; echo drawn"],
  ["an end", "echo drawn; exit 3"],
];

await browse(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    for (const device of [{}, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]) {
      const page = await openTerminal(browser, process.argv[2], { colorScheme, ...device, bypassCSP: true });
      for (const [what, command] of SAYS) {
        await page.enter(`clear; ${command}`);
        await page.shows("drawn");
        if (command.includes("exit")) await page.state("ended");
        await keepsNobodyOut(page, `${what}, ${colorScheme}, ${JSON.stringify(device)}`);
      }
      await page.context().close();
    }
  }
});
