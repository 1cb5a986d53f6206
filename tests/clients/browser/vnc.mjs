// URL [PICTURE]: noVNC shows the desktop of a VNC server, "typed" is typed into it, and when the server ends the page says so.
// Lines on stdout tell the test what has come about.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  const page = await openPage(browser, process.argv[2]);
  // The window's white on the desktop's own colour: more than one colour, and hundreds of white pixels.
  const seen = await page.waitForFunction(() => {
    const canvas = document.querySelector("#noVNC_container canvas");
    if (!canvas?.width) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const colour = data[at] << 16 | data[at + 1] << 8 | data[at + 2];
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    return colours.size > 1 && colours.get(0xffffff) > 500 && { width: canvas.width, height: canvas.height };
  });
  assert.deepEqual(await seen.jsonValue(), { width: 800, height: 600 });
  if (process.argv[3]) await page.screenshot({ path: process.argv[3] });

  await page.mouse.click(640, 360);
  await page.locator("#noVNC_container canvas").hover({ position: { x: 50, y: 50 } });
  await page.keyboard.type("typed");
  // The test ends the server once it has seen that: the page says so, and offers to connect again.
  await page.waitForFunction(() => document.getElementById("noVNC_status").textContent === "Disconnected");
  await page.locator("#noVNC_connect_dlg.noVNC_open").waitFor();
  if (process.argv[3]) await page.screenshot({ path: process.argv[3] + ".end.png" });
});
