// URL: a page sees the same of a WsdSocket as of a WebSocket, whatever the network does to WebSockets.
import assert from "node:assert";
import { startNetwork } from "../client_script/network.mjs";
import { story } from "../client_script/story.mjs";
import { browse, openPage } from "./browser.mjs";

const url = process.argv[2];

// A page behind a network, with what it has learnt of it.
async function visit(browser, mode, options) {
  const network = await startNetwork(url, mode);
  const page = await openPage(browser, network.url);
  await page.addScriptTag({ url: "/.well-known/wsd.js" });
  await page.evaluate((options) => { WsdSocket.install(options); }, options);
  const base = network.url.replace("http", "ws");
  return {
    network,
    page,
    tell: (name, themes) => page.evaluate(`(${story})(${name}, ${JSON.stringify(base)}, ${JSON.stringify(themes)})`),
    transport: () => page.evaluate((url) => new Promise((resolve) => {
      const socket = new WsdSocket(url);
      socket.onopen = () => {
        resolve(socket.transport);
        socket.close();
      };
      socket.onclose = () => resolve("closed");
    }), `${base}cat`),
    async leave() {
      await page.close();
      network.end();
    },
  };
}

await browse(async (browser) => {
  const direct = await openPage(browser, url);
  const expected = await direct.evaluate(`(${story})(WebSocket, ${JSON.stringify(url.replace("http", "ws"))})`);
  await direct.close();

  for (const [mode, transport] of [["pass", "websocket"], ["strip", "http"], ["refuse", "http"], ["swallow", "http"]]) {
    const there = await visit(browser, mode, { wait: mode === "swallow" ? 1000 : 60_000 });
    assert.equal(await there.transport(), transport, mode);
    const { upgrades } = there.network;
    // "WebSocket" is what install() has put there.
    const seen = await there.tell("WebSocket");
    for (const [theme, facts] of Object.entries(expected)) assert.deepEqual(seen[theme], facts, `${mode}: ${theme}`);
    // What was learnt of the network once is known to the tab.
    if (transport === "http") assert.equal(there.network.upgrades, upgrades, mode);
    await there.leave();
  }

  // A network that lets WebSockets through now and then: each is tried.
  const there = await visit(browser, "pass", {});
  assert.equal(await there.transport(), "websocket");
  there.network.mode = "refuse";
  assert.equal(await there.transport(), "http");
  assert.equal(await there.transport(), "http");
  assert.equal(there.network.upgrades, 3);
  there.network.mode = "pass";
  assert.equal(await there.transport(), "websocket");
  // Another page of the tab, of a network that refuses them, learns it anew; what neither way gets through is not learnt.
  there.network.mode = "refuse";
  await there.page.evaluate(() => sessionStorage.clear());
  const nowhere = await there.page.evaluate((url) => new Promise((resolve) => {
    new WsdSocket(url).onclose = ({ code }) => resolve(code);
  }), `${there.network.url}nothing`);
  assert.equal(nowhere, 1006);
  assert.equal(await there.page.evaluate(() => sessionStorage.length), 0);
  assert.equal(await there.transport(), "http");
  assert.equal(await there.page.evaluate(() => sessionStorage.length), 1);
  await there.leave();

  // As a module.
  const page = await openPage(browser, url);
  const module = await page.evaluate(async (url) => {
    const { default: WsdSocket } = await import("/.well-known/wsd.mjs");
    const socket = new WsdSocket(url);
    const code = await new Promise((resolve) => { socket.onclose = (event) => resolve(event.code); });
    return [code, "WsdSocket" in globalThis, socket instanceof EventTarget];
  }, `${url}fail`);
  assert.deepEqual(module, [4003, false, true]);

  // In a worker.
  const worker = await page.evaluate((url) => {
    const text = `importScripts("${url}.well-known/wsd.js");
      new WsdSocket("${url}fail").onclose = ({ code }) => postMessage(code);`;
    const worker = new Worker(URL.createObjectURL(new Blob([text])));
    return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
  }, url);
  assert.equal(worker, 4003);
});
