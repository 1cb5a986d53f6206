// URL: two pages talk, one vanishes in the middle, and the other goes on with a third.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const join = async (name) => {
    const page = await openPage(browser, process.argv[2]);
    await waitForText(page, "#state", "open");
    await page.fill("#name", name);
    return page;
  };
  const say = async (page, text) => {
    await page.fill("#message", text);
    await page.press("#message", "Enter");
  };
  const hears = (page, text) => waitForText(page, "#log li", text);
  const talk = async (page) => (await page.locator("#log li").allTextContents()).filter((text) => text[0] !== "*");

  const ann = await join("ann");
  await hears(ann, "\\* someone joined, 1 here");
  const bob = await join("bob");
  await hears(ann, "\\* someone joined, 2 here");

  const said = [];
  for (let n = 0; n < 20; n++) {
    const [speaker, name] = n % 2 ? [bob, "bob"] : [ann, "ann"];
    said.push(`${name}: message ${n}, żółw <b>&amp;</b> 😀`);
    await say(speaker, said.at(-1).slice(5));
    for (const page of [ann, bob]) await hears(page, said.at(-1));
  }
  assert.deepEqual(await talk(ann), said);
  assert.deepEqual(await talk(bob), said);

  // Both at once: each one's own order holds, and both pages show the same.
  const burst = (page) => page.evaluate(() => {
    for (let n = 0; n < 100; n++) socket.send(`${document.getElementById("name").value}: ${n}`);
  });
  await Promise.all([burst(ann), burst(bob)]);
  for (const page of [ann, bob]) {
    await hears(page, "ann: 99");
    await hears(page, "bob: 99");
  }
  assert.deepEqual(await talk(ann), await talk(bob));
  for (const name of ["ann", "bob"]) {
    const own = (await talk(ann)).slice(said.length).filter((text) => text.startsWith(name));
    assert.deepEqual(own, Array.from({ length: 100 }, (_, n) => `${name}: ${n}`));
  }

  // No closing handshake: the process that showed the page is gone.
  const devtools = await bob.context().newCDPSession(bob);
  const crashed = bob.waitForEvent("crash");
  devtools.send("Page.crash").catch(() => {}); // nobody is left to answer
  await crashed;
  await hears(ann, "\\* someone left, 1 here");
  await say(ann, "where is bob?");
  await hears(ann, "ann: where is bob\\?");

  const cyd = await join("cyd");
  await hears(ann, "\\* someone joined, 2 here");
  await say(cyd, "gone");
  await hears(ann, "cyd: gone");
  await cyd.close();
  await hears(ann, "\\* someone left, 1 here");
  assert.equal(await ann.textContent("#state"), "open");
});
