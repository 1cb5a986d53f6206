// URL play: two play, and one shoots rocks until it has points. URL best: who has played before is among the best.
import assert from "node:assert";
import { keepsNobodyOut } from "./axe.mjs";
import { browse, openPage, waitForText } from "./browser.mjs";
import { PHONE } from "./screens.mjs";

const [url, what] = process.argv.slice(2);

// Turns to the nearest rock, and fires.
const pilot = () => {
  const press = (type, code) => dispatchEvent(new KeyboardEvent(type, { code }));
  let keys = new Set();
  globalThis.pilot = setInterval(() => {
    const { ship, things, apart } = asteroids;
    const wanted = new Set();
    if (ship) {
      const rocks = [...things.values()].filter(({ kind }) => kind === "r").map((rock) => {
        const dx = apart(ship.x, rock.x), dy = apart(ship.y, rock.y), gap = Math.hypot(dx, dy), flight = gap / 650;
        return { gap, angle: Math.atan2(dy + (rock.vy - ship.vy) * flight, dx + (rock.vx - ship.vx) * flight) * 180 / Math.PI };
      }).sort((a, b) => a.gap - b.gap);
      if (rocks.length) {
        const off = ((rocks[0].angle - ship.angle + 180) % 360 + 360) % 360 - 180;
        if (Math.abs(off) > 6) wanted.add(off > 0 ? "ArrowRight" : "ArrowLeft");
        if (Math.abs(off) < 12 && rocks[0].gap < 600) wanted.add("Space");
        if (rocks[0].gap > 450 && Math.abs(off) < 20) wanted.add("ArrowUp");
      }
    }
    for (const code of wanted) if (!keys.has(code)) press("keydown", code);
    for (const code of keys) if (!wanted.has(code)) press("keyup", code);
    keys = wanted;
  }, 30);
};

await browse(async (browser) => {
  const open = async (options) => {
    const page = await openPage(browser, url, options);
    await waitForText(page, "#state", "open");
    return page;
  };
  const play = async (page, name) => {
    await page.fill("#name", name);
    await page.click("#play");
    await page.waitForFunction(() => asteroids.ship);
  };
  if (what === "best") {
    const page = await open({});
    await page.locator("#best li", { hasText: /^<b>Ann<\/b> \d+$/ }).waitFor();
    assert.equal(await page.locator("#best b").count(), 0);
    return;
  }
  const [ann, bob] = [await open({ viewport: { width: 1280, height: 800 } }), await open(PHONE)];
  await play(ann, "<b>Ann</b>");
  await play(bob, "Bob");
  for (const page of [ann, bob]) {
    for (const name of ["<b>Ann<\\/b>", "Bob"]) await page.locator("#players li", { hasText: new RegExp(`^${name} \\d+$`) }).waitFor();
    await keepsNobodyOut(page, "while it is played");
  }

  // A finger turns the ship while it is held.
  const angle = await bob.evaluate(() => asteroids.ship.angle);
  await bob.locator("[data-key=right]").dispatchEvent("pointerdown", { pointerId: 1 }).catch(() => {});
  await bob.waitForFunction((angle) => !asteroids.ship || Math.abs(asteroids.ship.angle - angle) > 30, angle);
  await bob.locator("[data-key=right]").dispatchEvent("pointerup", { pointerId: 1 });

  // Nobody is told of more than the area around: a page of 7200 by 7200 knows what is in four sectors of 1200.
  const far = await ann.evaluate(() => {
    const { ship, things, apart } = asteroids;
    return Math.max(...[...things.values()].map((thing) => Math.max(Math.abs(apart(ship.x, thing.x)), Math.abs(apart(ship.y, thing.y)))));
  });
  assert.ok(far < 2000, `something is ${far} away`);

  // What flies does so smoothly: no rock makes a step that its speed does not explain.
  const steps = await ann.evaluate(() => new Promise((resolve) => {
    const before = new Map(), steps = [], began = performance.now();
    let last = began;
    const look = (moment) => {
      for (const rock of asteroids.things.values()) {
        if (rock.kind !== "r") continue;
        const old = before.get(rock.id);
        if (old) steps.push({ step: Math.hypot(asteroids.apart(old.x, rock.x), asteroids.apart(old.y, rock.y)), reach: Math.hypot(rock.vx, rock.vy) * (moment - last) / 1000 });
        before.set(rock.id, { x: rock.x, y: rock.y });
      }
      last = moment;
      if (moment - began > 1500) resolve(steps);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }));
  assert.ok(steps.length > 20, `${steps.length} steps`);
  for (const { step, reach } of steps) assert.ok(step <= 3 * reach + 5, `a step of ${step} in place of ${reach}`);

  await ann.evaluate(pilot);
  await ann.waitForFunction(() => [...asteroids.players.values()].some(({ name, score }) => name.includes("Ann") && score > 0), null, { timeout: 90_000 });
  await bob.close();
  await ann.waitForFunction(() => ![...asteroids.players.values()].some(({ name }) => name === "Bob"));
});
