// URL: in Node, without a WebSocket and with that of `ws`, a WsdSocket is what it is in a page.
import assert from "node:assert";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import NodeWebSocket from "ws";
import { startNetwork } from "./network.mjs";
import { story } from "./story.mjs";

const url = process.argv[2];
const base = url.replace("http", "ws");
const directory = await mkdtemp(join(tmpdir(), "client-script-"));

// The script as the server has it; each time anew, for it looks for a WebSocket when it begins.
let copies = 0;
async function load(NativeWebSocket) {
  globalThis.WebSocket = NativeWebSocket;
  const response = await fetch(`${url}.well-known/wsd.mjs`);
  assert.match(response.headers.get("content-type"), /^text\/javascript/);
  const file = join(directory, `wsd${copies++}.mjs`);
  await writeFile(file, await response.text());
  return (await import(pathToFileURL(file))).default;
}

const byHttp = await story(await load(undefined), base);
const WsdSocket = await load(NodeWebSocket);
const byWebSocket = await story(WsdSocket, base);
// What `ws` has buffered is of its socket.
delete byWebSocket.amounts;
for (const [theme, facts] of Object.entries(byWebSocket)) assert.deepEqual(byHttp[theme], facts, theme);
assert.deepEqual(byHttp.amounts, [8, 0, 3]);
assert.equal(byHttp.thousand, true);
assert.equal(byHttp.failingProgram[1], 'message last words in state 1');

// A name and a password in the URL, which fetch does not take there.
const network = await startNetwork(url, "refuse");
const socket = new WsdSocket(network.url.replace("//", "//alice:p%C3%A4ss@") + "who");
const said = await new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(data); });
assert.equal(said, `Basic ${Buffer.from("alice:päss").toString("base64")}`);
socket.close();
await new Promise((resolve) => { socket.onclose = resolve; });
network.end();
