// URL of /once, which ends with 1001 by an operator's leave (stdin says when), and /fail: what is opened again, and what not.
import assert from "node:assert";
import { startNetwork } from "../client_script/network.mjs";
import { browse, openPage } from "./browser.mjs";

await browse(async (browser) => {
  for (const mode of ["pass", "strip"]) {
    const network = await startNetwork(process.argv[2], mode);
    const page = await openPage(browser, network.url);
    await page.addScriptTag({ url: "/.well-known/wsd.js" });
    const events = (path, options, isEnough) => page.evaluate(([path, options, isEnough]) => new Promise((resolve) => {
      const events = [];
      const socket = new WsdSocket(path, [], options);
      for (const type of ["open", "message", "error", "close"]) {
        socket.addEventListener(type, ({ code, data }) => {
          events.push([type, code ?? data].filter(Boolean).join(" "));
          if (!events.join("; ").endsWith(isEnough)) return;
          socket.close();
          const { readyState } = socket;
          socket.onclose = () => resolve([...events, readyState]);
          if (readyState === WsdSocket.CLOSED) setTimeout(() => resolve([...events, readyState]), 1500);
        });
      }
    }), [path, options, isEnough]);
    const idle = ["open", "message hello", "close 1001"];
    // Off unless it is asked for.
    assert.deepEqual(await events("idle", {}, "close 1001"), [...idle, 3]);
    assert.deepEqual(await events("idle", { reconnect: true }, "close 1001; open; message hello"), [
      ...idle, "open", "message hello", "close 1005", 2,
    ]);
    // A program's own end is final.
    assert.deepEqual(await events("fail", { reconnect: true }, "close 4003"), [
      "open", "message last words", "close 4003", 3,
    ]);
    await page.close();
    network.end();
  }
});
