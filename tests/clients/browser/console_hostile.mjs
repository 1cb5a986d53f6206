// URL of an echo: markup, in whatever field, is shown as text and nothing of it runs.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

const HOSTILE = [
  `<img src=x onerror="window.ran = true">`,
  `<script>window.ran = true</script>`,
  `"><svg onload=window.ran=true>`,
  `</div></div><iframe srcdoc="<script>parent.ran = true</script>"></iframe>`,
];

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2]);
  await page.state("open");
  for (const [n, text] of HOSTILE.entries()) {
    await page.say(text);
    assert.equal(await page.nth("out", n), text);
    assert.equal(await page.nth("in", n), text);
  }
  await page.fill("#path", `/${HOSTILE[0]}`);
  await page.button("Connect").click();
  await page.text("info").filter({ hasText: "onerror" }).waitFor();
  assert.equal(await page.locator("#log :is(img, script, svg, iframe)").count(), 0);
  // A script would have run by now: each load and each frame comes before this answer.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  assert.equal(await page.evaluate("window.ran"), undefined);
});
