// URL: each page shows the cursors of the others where they are, and none that has gone.
import assert from "node:assert";
import { browse, openPage, waitForText } from "./browser.mjs";

await browse(async (browser) => {
  const join = async () => {
    const page = await openPage(browser, process.argv[2], { viewport: { width: 1000, height: 500 } });
    await waitForText(page, "#state", "open");
    return page;
  };
  const shows = (page, x, y) => page.waitForFunction(([x, y]) =>
    [...document.querySelectorAll(".cursor")].some((cursor) => cursor.style.translate === `${x}vw ${y}vh`), [x, y]);

  const [ann, bob] = [await join(), await join()];
  await ann.mouse.move(250, 250);
  await shows(bob, 25, 50);
  await bob.mouse.move(900, 100);
  await shows(ann, 90, 20);
  assert.equal(await ann.locator(".cursor").count(), 1);

  // Nothing that is not a place goes on.
  await bob.evaluate(() => {
    for (const text of ["1 2 3", "99999 1", "-1 1", "<b>", "1", "", "2\t3 4", "*\t1 1"]) socket.send(text);
  });
  // Who comes later learns at once where all are, though they do not move.
  const cyd = await join();
  await shows(cyd, 25, 50);
  await shows(cyd, 90, 20);
  await cyd.mouse.move(10, 10);
  await shows(ann, 1, 2);
  await waitForText(ann, "#others", "2");
  await bob.close();
  await waitForText(ann, "#others", "1");
  await ann.waitForFunction(() => document.querySelectorAll(".cursor").length === 1);
});
