// URL of a shell: on a phone, a bar has the keys that its keyboard lacks, and a finger scrolls.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  for (const width of [320, 390]) {
    const page = await openTerminal(browser, process.argv[2], {
      viewport: { width, height: 844 }, isMobile: true, hasTouch: true,
    });
    const labels = await page.locator("#keys button").allTextContents();
    assert.deepEqual(labels, ["Ctrl", "Esc", "Tab", "←", "↑", "↓", "→"]);
    for (const button of await page.locator("#keys button").all()) {
      const { x, y, width: w, height } = await button.boundingBox();
      assert.ok(x >= 0 && x + w <= width && y + height <= 844 && height >= 44 && w >= 40, `${x} ${y} ${w} ${height}`);
    }
    const [content, box] = await page.locator("html").evaluate((html) => [html.scrollWidth, html.clientWidth]);
    assert.ok(content <= box, `${content} px wide in ${box} px`);

    const tap = (name) => page.getByRole("button", { name, exact: true }).tap();
    const focused = () => page.evaluate(() => document.activeElement.className);
    await page.run("cat -v");
    for (const name of ["Esc", "Tab", "Left", "Up", "Down", "Right"]) {
      await tap(name);
      assert.equal(await focused(), "xterm-helper-textarea");
    }
    await page.enter("");
    await page.shows("^[      ^[[D^[[A^[[B^[[C");

    // Ctrl holds for one key, and a second press lets go of it.
    const isHeld = () => page.locator('[data-key="ctrl"]').getAttribute("aria-pressed");
    await tap("Ctrl");
    assert.equal(await isHeld(), "true");
    await page.keyboard.type("a");
    assert.equal(await isHeld(), "false");
    await tap("Ctrl");
    await tap("Up");
    assert.equal(await isHeld(), "false");
    await tap("Ctrl");
    await tap("Ctrl");
    await page.enter("b");
    await page.shows("^A^[[1;5Ab");
    await tap("Ctrl");
    await page.keyboard.type("c");
    // A shell that is not back yet loses what is typed.
    await page.rows.filter({ hasText: /^\S*[#$]\s*$/ }).first().waitFor();
    await page.enter("stty echo; seq 1 200");
    await page.shows("200");

    const client = await page.context().newCDPSession(page);
    const touch = (type, y) => client.send("Input.dispatchTouchEvent", { type, touchPoints: y ? [{ x: 150, y }] : [] });
    await touch("touchStart", 200);
    for (let y = 220; y <= 600; y += 20) await touch("touchMove", y);
    await page.shows("140");
    await touch("touchEnd");
    await page.context().close();
  }
});
