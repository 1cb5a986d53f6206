// URL DIRECTORY: two pages of a browser, and one that has no shared workers, load anew when a file beneath DIRECTORY
// changes, however it is saved; a style sheet alone is exchanged; and so do more pages than a browser has connections.
import assert from "node:assert";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { browse, openPage, waitForText } from "./browser.mjs";

const [url, directory] = process.argv.slice(2);
const at = (name) => `${directory}/${name}`;

const inPlace = (name, text) => writeFileSync(at(name), text);
const byRename = (name, text) => {
  writeFileSync(at(`${name}.tmp`), text);
  renameSync(at(`${name}.tmp`), at(name));
};
const asVim = (name, text) => {
  renameSync(at(name), at(`${name}~`));
  writeFileSync(at(name), text);
  rmSync(at(`${name}~`));
};

const page = (text) => `<!doctype html><title>x</title><link rel=stylesheet href=a.css><script src=a.js></script>
  <style>@import "b.css";</style><p id=text>${text}<p id=script>`;
const script = (text) => `addEventListener("load", () => document.getElementById("script").textContent = "${text}")`;
const style = (color) => `#text { color: ${color} }`;
const imported = (color) => `#script { color: ${color} }`;

inPlace("index.html", page("one"));
inPlace("a.js", script("1"));
inPlace("a.css", style("rgb(1, 0, 0)"));
inPlace("b.css", imported("rgb(0, 1, 0)"));

await browse(async (browser) => {
  const first = await openPage(browser, url);
  const second = await first.context().newPage();
  await second.goto(url);
  const context = await browser.newContext();
  await context.addInitScript("delete window.SharedWorker");
  const third = await context.newPage();
  await third.goto(url);
  const pages = [first, second, third];

  const show = async (text, number) => {
    for (const page of pages) {
      await waitForText(page, "#text", text);
      await waitForText(page, "#script", number);
    }
  };
  const color = async (selector, expected) => {
    for (const page of pages) {
      await page.waitForFunction(
        ([selector, expected]) => getComputedStyle(document.querySelector(selector)).color === expected,
        [selector, expected],
      );
    }
  };
  await show("one", "1");

  byRename("index.html", page("two"));
  await show("two", "1");
  asVim("index.html", page("three"));
  await show("three", "1");
  inPlace("index.html", page("four"));
  await show("four", "1");
  // What browsers would take from their cache.
  byRename("a.js", script("2"));
  await show("four", "2");

  for (const page of pages) await page.evaluate(() => { window.stays = true; });
  await color("#text", "rgb(1, 0, 0)");
  byRename("a.css", style("rgb(2, 0, 0)"));
  await color("#text", "rgb(2, 0, 0)");
  inPlace("b.css", imported("rgb(0, 2, 0)"));
  await color("#script", "rgb(0, 2, 0)");
  asVim("a.css", style("rgb(3, 0, 0)"));
  await color("#text", "rgb(3, 0, 0)");
  for (const page of pages) {
    assert.equal(await page.evaluate(() => window.stays), true);
    await page.waitForFunction(() => document.querySelectorAll("link").length === 1);
  }

  // More than a browser has connections to a server: they have one together.
  while (pages.length < 12) {
    const page = await first.context().newPage();
    await page.goto(url);
    pages.push(page);
  }
  inPlace("index.html", page("five"));
  await show("five", "2");
});
