// URL: by http: and a name of another machine, where a browser says of a GET neither its page's origin nor its site.
import assert from "node:assert";
import { startNetwork } from "../client_script/network.mjs";
import { browse, openPage } from "./browser.mjs";

const NAME = "insecure.example";

await browse(async (browser) => {
  const network = await startNetwork(process.argv[2], "strip");
  const url = network.url.replace("127.0.0.1", NAME);
  const page = await openPage(browser, url);
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await page.addScriptTag({ url: "/.well-known/wsd.js" });
  await page.evaluate(() => {
    globalThis.events = [];
    const socket = globalThis.socket = new WsdSocket("/cat");
    socket.onopen = () => socket.send("one");
    socket.onmessage = ({ data }) => events.push(data);
    socket.onclose = ({ code }) => events.push(code);
  });
  const shows = (count) => page.waitForFunction((count) => events.length >= count, count);
  await shows(1);
  network.cut();
  await page.evaluate(() => socket.send("two"));
  await shows(2);
  await page.evaluate(() => socket.close(3333, "over"));
  await shows(3);
  assert.deepEqual(await page.evaluate(() => events), ["one", "two", 3333]);
  network.end();
}, [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`]);
