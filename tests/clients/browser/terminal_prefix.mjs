// URL of a server with a shell at /shell: behind a proxy that has put it below a path of its own, the page finds its
// script and its socket.
import assert from "node:assert";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { browse } from "./browser.mjs";
import { openTerminal } from "./terminal.mjs";

const PREFIX = "/tools/here";
const upstream = new URL(process.argv[2]);
const asked = [];

function pass({ method, url, headers }) {
  asked.push(url);
  const path = url.startsWith(`${PREFIX}/`) ? url.slice(PREFIX.length) : "/nowhere";
  const { hostname, port } = upstream;
  return request({ hostname, port, method, path, headers: { ...headers, "x-forwarded-prefix": PREFIX } });
}
const proxy = createServer((incoming, outgoing) => {
  pass(incoming).on("response", (response) => {
    outgoing.writeHead(response.statusCode, response.headers);
    response.pipe(outgoing);
  }).end();
}).on("upgrade", (incoming, client) => {
  pass(incoming).on("upgrade", ({ rawHeaders }, server) => {
    const lines = rawHeaders.map((word, nth) => nth % 2 ? `${word}\r\n` : `${word}: `).join("");
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    client.pipe(server).on("error", () => client.destroy());
    server.pipe(client).on("error", () => server.destroy());
  }).on("response", ({ statusCode }) => client.end(`HTTP/1.1 ${statusCode} Refused\r\n\r\n`)).end();
}).listen(0, "127.0.0.1");
await once(proxy, "listening");

await browse(async (browser) => {
  const page = await openTerminal(browser, `http://127.0.0.1:${proxy.address().port}${PREFIX}/shell?a=b&cols=7#size=12`);
  await page.enter("echo $QUERY_STRING | tr 0-9 N");
  await page.shows("a=b&cols=NNN&rows=NN");
  for (const url of asked.filter((url) => url !== "/favicon.ico")) assert.ok(url.startsWith(`${PREFIX}/shell`), url);
});
proxy.close();
