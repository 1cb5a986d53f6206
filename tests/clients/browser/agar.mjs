// URL of a world with pellets: two play in two pages; what moves does so smoothly, whatever is told of it.
import assert from "node:assert";
import { keepsNobodyOut } from "./axe.mjs";
import { browse, openPage, waitForText } from "./browser.mjs";

const FASTEST = 420; // units a second that the server lets anybody go, and more than it does

await browse(async (browser) => {
  const play = async (name) => {
    const page = await openPage(browser, process.argv[2], { viewport: { width: 1280, height: 800 } });
    await waitForText(page, "#state", "open");
    await page.fill("#name", name);
    await page.click("#play");
    await page.waitForFunction(() => agar.own?.mass >= 20);
    return page;
  };
  const [ann, bob] = [await play("Ann"), await play("<b>Bob</b>")];
  for (const page of [ann, bob]) {
    await page.locator("#largest li", { hasText: /^<b>Bob<\/b> \d+$/ }).waitFor();
    assert.equal(await page.locator("#largest b").count(), 0);
    await keepsNobodyOut(page, "while it is played");
  }

  // A straight way needs no messages but those of what is eaten on it: each frame goes on as far as its time is long.
  const centre = { x: 640, y: 400 };
  const watch = (page, milliseconds) => page.evaluate((milliseconds) => new Promise((resolve) => {
    const frames = [], began = performance.now();
    const look = (moment) => {
      const time = agar.serverTime(), [x, y] = agar.own?.drawn(time) ?? [];
      if (x !== undefined) frames.push({ moment, time, x, y, error: Math.hypot(agar.own.errorX, agar.own.errorY) });
      if (performance.now() - began > milliseconds) resolve(frames);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }), milliseconds);
  const zigzag = async () => {
    for (let n = 0; n < 12; n++) {
      await ann.mouse.move(centre.x + (n % 2 ? 300 : -300), centre.y + (n % 3 ? 250 : -250));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const [frames] = await Promise.all([watch(ann, 2500), zigzag()]);
  assert.ok(frames.length > 20, `${frames.length} frames`);
  let moved = 0;
  for (let n = 1; n < frames.length; n++) {
    const step = Math.hypot(frames[n].x - frames[n - 1].x, frames[n].y - frames[n - 1].y);
    const seconds = Math.max(frames[n].time - frames[n - 1].time, frames[n].moment - frames[n - 1].moment) / 1000;
    assert.ok(frames[n].time >= frames[n - 1].time, "the clock never goes back");
    // A correction adds to the speed, and is never all at once, however late the news was.
    const error = 2 * Math.max(frames[n - 1].error, frames[n].error);
    const most = FASTEST * seconds + error * (1 - Math.exp(-seconds / 0.06)) + 5;
    assert.ok(step <= most, `frame ${n}: ${step} in ${seconds} s, not ${most}`);
    moved += step;
  }
  assert.ok(moved > 50, `it has moved by ${moved}`);

  // Both pages have each ball at the same place at the same moment, though neither is told so.
  await ann.mouse.move(centre.x + 200, centre.y);
  const places = async () => Promise.all([ann, bob].map((page) => page.evaluate(() => {
    const ball = [...agar.balls.values()].find(({ name }) => name === "Ann");
    return ball && { time: agar.serverTime(), x: ball.x, y: ball.y, vx: ball.vx, vy: ball.vy, told: ball.time };
  })));
  let same;
  do {
    const [here, there] = await places();
    same = here && there && here.told === there.told && here.x === there.x && here.vx === there.vx;
  } while (!same);

  // By the keys to the pellets, until it has grown.
  await ann.evaluate(() => {
    globalThis.eating = setInterval(() => {
      const [x, y] = agar.own?.drawn(agar.serverTime()) ?? [];
      if (x === undefined) return;
      const near = [...agar.pellets.values()].sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y))[0];
      if (near) Object.assign(agar.wish, { x: (near.x - x) / 30, y: (near.y - y) / 30 });
    }, 50);
  });
  await ann.waitForFunction(() => agar.own?.mass >= 30);
  await ann.evaluate(() => clearInterval(globalThis.eating));
  await ann.waitForFunction(() => Number(document.getElementById("mass").textContent) >= 30);

  // Who leaves is gone; the other plays on.
  await bob.close();
  await ann.waitForFunction(() => ![...agar.balls.values()].some(({ name }) => name.includes("Bob")));
  await ann.locator("#state", { hasText: /^open$/ }).waitFor();
});
