// URL of a shell: nothing on the page keeps anybody out, whatever it shows.
import assert from "node:assert";
import { createRequire } from "node:module";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SAYS = [
  ["text", "for c in 30 31 32 33 34 35 36 37 90 91 92 93 94 95 96 97; do printf '\\e['$c'm text \\e[1mbold \\e[7mreverse\\e[0m '; done; printf '\\n\\e[7mreverse\\e[0m'; echo; echo drawn"],
  ["an offer", "printf '\\e]52;c;aGVsbG8=\\a'; echo drawn"],
  ["an end", "echo drawn; exit 3"],
];

await browse(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    for (const device of [{}, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }]) {
      // Axe comes into the page past its policy, as a browser's own tools do.
      const page = await openTerminal(browser, process.argv[2], { colorScheme, ...device, bypassCSP: true });
      await page.addScriptTag({ path: axe });
      for (const [what, command] of SAYS) {
        await page.enter(`clear; ${command}`);
        await page.shows("drawn");
        if (command.includes("exit")) await page.state("ended");
        const { violations } = await page.evaluate(() => axe.run());
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).slice(0, 3).join("\n  ")}`);
        assert.deepEqual(found, [], `${what}, ${colorScheme}, ${JSON.stringify(device)}`);
      }
      await page.context().close();
    }
  }
});
