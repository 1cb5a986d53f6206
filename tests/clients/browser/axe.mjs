// What keeps anybody out of a page, by axe-core's rules. It comes into the page past its policy, as a browser's own
// tools do: the context needs `bypassCSP`.
import assert from "node:assert";
import { createRequire } from "node:module";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export async function keepsNobodyOut(page, what) {
  if (!await page.evaluate(() => "axe" in window)) await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).slice(0, 3).join("\n  ")}`);
  assert.deepEqual(found, [], what);
}
