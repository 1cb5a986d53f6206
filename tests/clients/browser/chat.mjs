// URL: two pages talk under their names, one vanishes in the middle, and the other goes on with a third.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const join = async () => {
    const page = await openPage(browser, process.argv[2]);
    await waitForText(page, "#state", "open");
    return page;
  };
  const take = async (page, name) => {
    await page.fill("#name", name);
    await page.press("#name", "Tab");
  };
  const say = async (page, text) => {
    await page.fill("#message", text);
    await page.press("#message", "Enter");
  };
  const hears = (page, text) => waitForText(page, "#log li", text);
  const here = (page, names) => waitForText(page, "#here", names);
  const talk = async (page) => (await page.locator("#log li").allTextContents()).filter((text) => text[0] !== "*");

  const ann = await join();
  assert.equal(await ann.evaluate("socket.protocol"), "ex3");
  await hears(ann, "\\* someone joined, 1 here: someone");
  await take(ann, "ann");
  await hears(ann, "\\* someone is ann, 1 here: ann");
  const bob = await join();
  await hears(ann, "\\* someone joined, 2 here: ann, someone");
  await take(bob, "bob");
  await hears(ann, "\\* someone is bob, 2 here: ann, bob");
  await here(ann, "ann, bob");
  await here(bob, "ann, bob");

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
    for (let n = 0; n < 100; n++) socket.send(n);
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

  // Nobody speaks as another, or as the program, whatever the name.
  await say(bob, "ann: it is me");
  await hears(ann, "bob: ann: it is me");
  await say(bob, "* ann left, 1 here: bob");
  await hears(ann, "bob: \\* ann left, 1 here: bob");
  await take(bob, "* ann: ");
  await hears(ann, "\\* bob is ann, 2 here: ann, ann");
  await take(bob, "***");
  await hears(ann, "\\* ann is someone, 2 here: ann, someone");
  await take(bob, "Zoë-_" + "x".repeat(20));
  await hears(ann, "\\* someone is Zoë-_x{15}, 2 here: ann, Zoë-_x{15}");

  // No closing handshake: the process that showed the page is gone.
  const devtools = await bob.context().newCDPSession(bob);
  const crashed = bob.waitForEvent("crash");
  devtools.send("Page.crash").catch(() => {}); // nobody is left to answer
  await crashed;
  await hears(ann, "\\* Zoë-_x{15} left, 1 here: ann");
  await here(ann, "ann");
  await say(ann, "where is bob?");
  await hears(ann, "ann: where is bob\\?");

  const cyd = await join();
  await hears(ann, "\\* someone joined, 2 here: ann, someone");
  await say(cyd, "gone");
  await hears(ann, "someone: gone");
  await cyd.close();
  await hears(ann, "\\* someone left, 1 here: ann");
  assert.equal(await ann.textContent("#state"), "open");
});
