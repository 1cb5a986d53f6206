// URL of a shell: a link whose text is not its address says where it leads, and leads only into the web.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

await browse(async (browser) => {
  const page = await openTerminal(browser, process.argv[2]);
  const context = page.context();
  await context.route(/example\.org/, (route) => route.fulfill({ contentType: "text/html", body: "<title>there</title>" }));
  let links = 0;
  const link = async (url) => {
    await page.enter(`clear; printf '\\n\\n\\e]8;;${url}\\a%s\\e]8;;\\a\\n' press-${++links}`);
    return press(`press-${links}`);
  };
  // What is beneath a link is known when the pointer has come to rest on it.
  const press = async (text) => {
    await page.shows(text);
    // A row is looked at when the pointer comes to it.
    await page.mouse.move(600, 600);
    await page.locator("#link").waitFor({ state: "hidden" });
    const { x, y, height } = await page.rows.filter({ hasText: new RegExp(`^${text}`) }).first().boundingBox();
    await page.mouse.move(x + 12, y + height / 2);
    await page.mouse.move(x + 20, y + height / 2);
    return () => page.mouse.click(x + 20, y + height / 2);
  };

  let click = await link("https://user@example.org/a?b=c#d");
  await page.locator("#link:visible", { hasText: "https://user@example.org/a?b=c#d" }).waitFor();
  await click();
  await page.says("This link leads to example.org: https://user@example.org/a?b=c#d");
  assert.equal(context.pages().length, 1, "nobody has agreed");
  const opened = context.waitForEvent("page");
  await page.getByRole("link", { name: "Open" }).click();
  const there = await opened;
  await there.waitForLoadState();
  assert.equal(await there.title(), "there");
  assert.equal(await there.evaluate(() => window.opener), null);
  await there.close();
  await page.locator("#notice:visible").waitFor({ state: "detached" });

  for (const url of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ssh://example.org"]) {
    click = await link(url);
    await click();
    await page.enter("echo unharmed");
    await page.shows("unharmed");
    assert.equal(await page.locator("#notice").textContent(), "", url);
    assert.ok(await page.locator("#link").isHidden(), url);
  }

  // An address in the text is what it says.
  await page.enter("clear; printf '\\n\\nhttps://example.org/plain\\n'");
  click = await press("https://example.org/plain");
  await page.locator(".xterm-cursor-pointer").waitFor();
  const plain = context.waitForEvent("page");
  await click();
  await (await plain).waitForURL("https://example.org/plain");
});
