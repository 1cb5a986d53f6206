// URL of a shell: a lost connection is made anew, ever more patiently, but one that was closed is not.
import assert from "node:assert";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

// Between page and server, where a network breaks.
const upstream = new URL(process.argv[2]);
const pairs = new Set();
let isBroken = false;
const proxy = createServer((client) => {
  if (isBroken) return client.resetAndDestroy();
  const server = connect(upstream.port, upstream.hostname);
  const pair = [client, server];
  pairs.add(pair);
  for (const [from, to] of [pair, [server, client]]) {
    from.pipe(to);
    from.on("error", () => to.destroy()).on("close", () => pairs.delete(pair));
  }
}).listen(0, "127.0.0.1");
await once(proxy, "listening");
const cut = () => pairs.forEach((pair) => pair.forEach((socket) => socket.resetAndDestroy()));

await browse(async (browser) => {
  const page = await openTerminal(browser, `http://127.0.0.1:${proxy.address().port}/`);
  await page.enter("X=before; echo 1-$X");
  await page.shows("1-before");
  cut();
  await page.says("again in 1 s");
  await page.state("open");
  await page.shows("— started again —");
  await page.enter("echo 2-$X");
  await page.shows("2-");

  isBroken = true;
  cut();
  for (const seconds of [1, 2, 4]) await page.says(`again in ${seconds} s`);
  isBroken = false;
  await page.getByRole("button", { name: "Connect now" }).click();
  await page.state("open");
  await page.enter("echo 3-$X; exit 7");
  await page.state("ended");
  await page.shows("3-");

  // A code of the server's own that means to come again, and one that does not.
  for (const [code, state] of [[1012, "lost"], [1001, "lost"], [1011, "ended"], [1008, "ended"]]) {
    const other = await browser.newPage();
    let sockets = 0;
    await other.routeWebSocket(/./, (socket) => {
      sockets++;
      if (sockets === 1) socket.close({ code, reason: "a reason" });
    });
    await other.goto(process.argv[2]);
    await other.locator(`main[data-state="${state}"]`).waitFor();
    if (state === "lost") await other.locator('main[data-state="open"]').waitFor();
    else await other.locator(".panel", { hasText: `code ${code}: a reason` }).waitFor();
    assert.equal(sockets, state === "lost" ? 2 : 1, `${code}`);
    await other.close();
  }
});
proxy.close();
