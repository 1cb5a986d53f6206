// URL of a program that prints PATH_INFO, QUERY_STRING and the subprotocols: the address says where the console connects.
import assert from "node:assert";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const url = process.argv[2];
  const page = await openConsole(browser, url);
  await page.nth("in", 0);
  assert.equal(page.url(), url);
  await page.box("Path and query").fill("/chat?room=a b&x=ä");
  await page.fill("#protocol", "ex1, ex2");
  await page.press("#protocol", "Enter");
  const said = "/chat room=a%20b&x=%C3%A4 ex1";
  assert.ok((await page.nth("in", 1)).startsWith(said));
  assert.equal(page.url(), `${url}#path=/chat%3Froom%3Da%20b%26x%3D%C3%A4&protocol=ex1,%20ex2`.replace("ex1,%20ex2", "ex1,ex2"));

  await page.reload();
  assert.ok((await page.nth("in", 0)).startsWith(said));
  assert.equal(await page.box("Path and query").inputValue(), "/chat?room=a b&x=ä");
  assert.equal(await page.inputValue("#protocol"), "ex1, ex2");

  // One that was typed, in the page that is open, and one that is not encoded as it should be.
  await page.evaluate(() => { location.hash = "#path=%2Fother&protocol=ex1"; });
  assert.match(await page.nth("in", 1), /^\/other {2}ex1/);
  await page.goto("about:blank");
  await page.goto(`${url}#path=/100%&x`);
  await page.box("Path and query").waitFor();
  assert.equal(await page.box("Path and query").inputValue(), "/100%");
  // What is asked for has a broken escape, and is refused for it.
  assert.match(await page.nth("error", 0), /^refused with 400/);

  // The button says what it does.
  await page.goto("about:blank");
  await page.goto(url);
  await page.state("open");
  assert.equal(await page.textContent("#connect"), "Disconnect");
  await page.box("Path and query").fill("/b");
  assert.equal(await page.textContent("#connect"), "Connect");
  await page.button("Connect").click();
  assert.match(await page.nth("in", 1), /^\/b /);
  assert.equal(await page.textContent("#connect"), "Disconnect");
});
