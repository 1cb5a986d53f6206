// URL: the scripts of docs/from-a-web-page.md, as they stand there, against the programs that it has.
import assert from "node:assert";
import { readFile } from "node:fs/promises";
import { browse, openPage } from "./browser.mjs";

const url = process.argv[2];
const text = await readFile(new URL("../../../docs/from-a-web-page.md", import.meta.url), "utf8");
// The one block of a language that has these words.
function block(language, words) {
  const blocks = [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(([, kind, code]) => kind === language && code.includes(words));
  assert.equal(blocks.length, 1, words);
  return blocks[0][2];
}

await browse(async (browser) => {
  // The first page, at the path of a program.
  const first = await openPage(browser, url);
  await first.setContent(block("html", "socket.onopen"));
  await first.getByText("hello, world").waitFor();

  const page = await openPage(browser, url);
  const socketUrl = (path) => `${url.replace("http", "ws")}${path}`;
  const sum = await page.evaluate(([url, code]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => new Function("socket", "draw", code)(socket, resolve);
  }), [socketUrl("sum"), block("js", "JSON.stringify")]);
  assert.deepEqual(sum, { sum: 7 });

  const played = await page.evaluate(([url, code]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => new Function("socket", "play", "Float32Array", code)(socket, resolve, function (data) {
      return [...new Uint8Array(data)];
    });
  }), [socketUrl("bytes"), block("js", "binaryType")]);
  assert.deepEqual(played, [1, 2, 3]);

  const count = await page.evaluate(([url, code]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    let count = 0;
    socket.onmessage = ({ data }) => {
      count += data.size;
      if (count === 5_000_000) resolve(count);
    };
    const AsyncFunction = (async () => {}).constructor;
    socket.onopen = () => new AsyncFunction("socket", "file", code)(socket, new Blob([new Uint8Array(5_000_000)]));
  }), [socketUrl("bytes"), block("js", "file.slice")]);
  assert.equal(count, 5_000_000);

  const shown = (path, enough) => page.evaluate(([url, code, enough]) => new Promise((resolve) => {
    const shown = [];
    const show = (data) => {
      shown.push(data);
      if (shown.length === enough) resolve(shown);
    };
    new Function("url", "show", code)(url, show);
  }), [socketUrl(path), block("js", "PASSING"), enough]);
  assert.deepEqual(await shown("idle", 2), ["hello", "hello"]);
  assert.deepEqual(await shown("fail", 2), ["last words", "It has ended: 4003 the program exited with status 3"]);
});
