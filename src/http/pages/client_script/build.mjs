// Builds the client script into built/, or says what there is not what the source gives (--check).
//
// The builder is the terminal page's.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "../terminal/page/node_modules/esbuild/lib/main.js";

const here = dirname(fileURLToPath(import.meta.url));
const EXPORT = "export default WsdSocket;";

const minify = (source, options) =>
  transform(source, { minify: true, target: "es2022", legalComments: "inline", charset: "utf8", ...options })
    .then(({ code }) => code);

async function files() {
  const source = await readFile(join(here, "wsd.mjs"), "utf8");
  if (!source.includes(EXPORT)) throw new Error(`wsd.mjs has no ${EXPORT}`);
  const script = source.replace(EXPORT, "globalThis.WsdSocket = WsdSocket;");
  return [["wsd.mjs", await minify(source)], ["wsd.js", await minify(script, { format: "iife" })]];
}

const path = (name) => join(here, "built", name);

async function check() {
  const differing = [];
  for (const [name, text] of await files()) {
    if (await readFile(path(name), "utf8").catch(() => "") !== text) differing.push(name);
  }
  if (differing.length === 0) return;
  console.error(`not what the source gives: ${differing.join(", ")}; scripts/page builds them`);
  process.exitCode = 1;
}

async function write() {
  await mkdir(join(here, "built"), { recursive: true });
  for (const [name, text] of await files()) await writeFile(path(name), text);
}

await (process.argv[2] === "--check" ? check() : write());
