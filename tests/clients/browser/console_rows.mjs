// URL of an echo with length framing: what can be done with rows, however long they are.
import assert from "node:assert";
import { readFile } from "node:fs/promises";
import { browse } from "./browser.mjs";
import { openConsole } from "./console.mjs";

await browse(async (browser) => {
  const page = await openConsole(browser, process.argv[2], { permissions: ["clipboard-read", "clipboard-write"] });
  const tool = (row, name) => row.getByRole("button", { name, exact: true });
  const copied = async (row) => {
    await tool(row, "Copy").click();
    await page.locator("#announcement", { hasText: "copied" }).waitFor({ state: "attached" });
    return page.evaluate(() => navigator.clipboard.readText());
  };
  await page.state("open");

  // JSON keeps its numbers and its strings.
  const json = '{"big":12345678901234567890,"text":"a{b,\\"c:","empty":[{},[]],"list":[1,true]}';
  await page.say(json);
  const received = page.rows("in").first();
  await received.waitFor();
  assert.equal(await copied(received), json);
  await tool(received, "Pretty").click();
  const pretty = '{\n  "big": 12345678901234567890,\n  "text": "a{b,\\"c:",\n  "empty": [\n    {},\n    []\n  ],\n'
    + '  "list": [\n    1,\n    true\n  ]\n}';
  assert.equal(await page.nth("in", 0), pretty);
  await tool(received, "Pretty").click();
  assert.equal(await page.nth("in", 0), json);
  await page.say('{"not": json}');
  await page.nth("in", 1);
  assert.equal(await tool(page.rows("in").nth(1), "Pretty").count(), 0);

  await tool(page.rows("out").first(), "Send again").click();
  assert.equal(await page.nth("in", 2), json);
  await page.selectOption("#kind", "hex");
  await page.say("00 ff 0a");
  await page.nth("in", 3);
  assert.equal(await copied(page.rows("in").nth(3)), "00 ff 0a");
  await tool(page.rows("out").last(), "Send again").click();
  assert.match(await page.nth("in", 4), /^0000 {2}00 ff 0a /);
  await page.selectOption("#kind", "text");

  const shown = () => page.locator("#log .row:not([hidden])").count();
  const all = await shown();
  await page.box("Filter").fill("NOT\": json");
  assert.equal(await shown(), 2);
  await page.say("something else");
  await page.counts("in", 6);
  assert.equal(await shown(), 2);
  await page.box("Filter").press("Escape");
  assert.equal(await shown(), all + 2);

  // 10 MB: shown in part, and kept whole.
  const long = `[${"123456789,".repeat(1_000_000)}0]`;
  await page.evaluate((text) => sendData(text), long);
  await page.rows("in").nth(6).waitFor();
  const last = page.rows("in").nth(6);
  assert.ok((await last.locator(".text").textContent()).length <= 64 * 1024);
  assert.match(await last.locator(".note").textContent(), /the first 65,536 of 10,000,003 characters/);
  await tool(last, "Copy").click();
  await page.evaluate(async (length) => {
    while ((await navigator.clipboard.readText()).length !== length) await new Promise(requestAnimationFrame);
  }, long.length);

  const [download] = await Promise.all([page.waitForEvent("download"), page.button("Save").click()]);
  assert.match(download.suggestedFilename(), /^wsd-.*\.jsonl$/);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line));
  const messages = lines.filter((line) => line.type);
  assert.equal(messages.length, 14);
  assert.deepEqual(messages.slice(0, 2).map(({ kind, type, data }) => [kind, type, data]), [["sent", "text", json], ["received", "text", json]]);
  assert.ok(messages.some(({ kind, type, data }) => kind === "received" && type === "binary" && data === "AP8K"));
  assert.equal(messages.at(-1).data, long);
  assert.ok(lines.every(({ time }) => !Number.isNaN(Date.parse(time))));
});
