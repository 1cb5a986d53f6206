// PAGE URL: a page of another origin, which has its script from there, and a token for the program at URL.
import assert from "node:assert";
import { startNetwork } from "../client_script/network.mjs";
import { browse, openPage } from "./browser.mjs";

const [origin, url] = process.argv.slice(2);

await browse(async (browser) => {
  for (const mode of ["pass", "strip"]) {
    const network = await startNetwork(url, mode);
    const page = await openPage(browser, origin);
    const ask = (offers) => page.evaluate(async ([base, offers]) => {
      const { default: WsdSocket } = await import(`${base}.well-known/wsd.mjs`);
      const socket = new WsdSocket(`${base}who`, offers);
      return new Promise((resolve) => {
        socket.onmessage = ({ data }) => {
          resolve([socket.transport, socket.protocol, data]);
          socket.close();
        };
        socket.onclose = ({ code }) => resolve(code);
      });
    }, [network.url, offers]);
    const [transport, protocol, said] = await ask(["bearer.t0ken.of-ci", "chat"]);
    assert.equal(transport, mode === "pass" ? "websocket" : "http");
    assert.equal(protocol, mode === "pass" ? "chat" : "");
    assert.match(said, /^user=ci type=Bearer authorization= /);
    assert.equal(await ask(["bearer.wrong", "chat"]), 1006);
    const sent = network.heads.join("");
    if (mode === "strip") assert.match(sent, /^authorization: Bearer t0ken\.of-ci\r$/im);
    for (const [target] of sent.matchAll(/^[A-Z]+ [^ ]+ HTTP\/1\.1\r$/gm)) assert.doesNotMatch(target, /t0ken|bearer/i);
    await page.close();
    network.end();
  }
});
