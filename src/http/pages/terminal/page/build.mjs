// Builds the terminal page into ../built, or says what there is not what this source gives (--check).
//
// The script's name has a digest of what is in it, so that it may be kept for ever; so has the document's tag. Only
// what is in the packed files is compared: how well they are packed differs from one node to another.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "../built");
const PACKAGES = [
  "@xterm/xterm", "@xterm/addon-clipboard", "@xterm/addon-fit", "@xterm/addon-unicode11", "@xterm/addon-web-links",
  "js-base64",
];
// Bytes of document and script together: what a phone in the country side waits for.
const LIMITS = { gz: 110_000, br: 85_000 };

const digest = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const source = (name) => readFile(join(here, name), "utf8");

// The notices that go with whatever the packages are in; the same text once.
async function notices() {
  const byText = new Map();
  for (const name of PACKAGES) {
    const [text, description] = await Promise.all([
      source(`node_modules/${name}/LICENSE${name === "js-base64" ? ".md" : ""}`),
      source(`node_modules/${name}/package.json`).then(JSON.parse),
    ]);
    const key = text.trim().replaceAll("\r\n", "\n");
    byText.set(key, [...(byText.get(key) ?? []), `${name} ${description.version}`]);
  }
  // xterm.js has others' work in it, which the head of its script names.
  const [head] = (await source("node_modules/@xterm/xterm/lib/xterm.mjs")).match(/^(\/\*[^]*?\*\/\s*)+/);
  const lines = head.split("\n").map((line) => line.replace(/^[\s/*-]+|[\s*/-]+$/g, "")).filter(Boolean);
  byText.set(lines.join("\n"), ["Within @xterm/xterm, under the same terms as the whole"]);
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}:\n\n${text}\n`);
  return `The terminal page has these packages in it.\n\n${parts.join("\n")}`;
}

// xterm.js 6.0 weighs reversed text of the default colour against the colour that it would have if it were not reversed,
// so that status lines are grey, or not legible at all. When a newer one has mended that, this fails.
const REVERSED = /default:this\._applyMinimumContrast\((\w+),(\w+),(\w+)\.foreground,([^()]*)\)\|\|(\w+)&&/;
const mendReversed = {
  name: "reversed text",
  setup: ({ onLoad }) => onLoad({ filter: /xterm\.mjs$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    if (!REVERSED.test(text)) throw new Error("xterm.js is another one: look at its reversed text");
    const mended = "default:this._applyMinimumContrast($1,$2,$5?$3.background:$3.foreground,$4)||$5&&";
    return { contents: text.replace(REVERSED, mended), loader: "js" };
  }),
};

async function bundle(options) {
  const result = await build({ absWorkingDir: here, bundle: true, minify: true, write: false, target: "es2022", ...options });
  return result.outputFiles[0].text;
}

async function files() {
  const licenses = await notices();
  const script = await bundle({
    entryPoints: ["main.js"],
    format: "iife",
    legalComments: "none",
    plugins: [mendReversed],
    banner: { js: `/*!\n${licenses}*/` },
    // A sixth of the script: names that xterm.js keeps to itself, its addons included.
    mangleProps: /^_[a-zA-Z]/,
  });
  const style = await bundle({ entryPoints: ["style.css"], legalComments: "none" });
  const name = `terminal-${digest(script)}.js`;
  const document = (await source("index.html")).replace("SCRIPT", name).replace("STYLE", () => style.trim());
  return { licenses, script, document, name, tag: digest(document) };
}

const PACKERS = {
  gz: (text) => zlib.gzipSync(text, { level: 9 }),
  br: (text) => zlib.brotliCompressSync(text, { params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
    [zlib.constants.BROTLI_PARAM_LGWIN]: 24,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(text),
  } }),
};
const UNPACKERS = { gz: zlib.gunzipSync, br: zlib.brotliDecompressSync };

function packed({ script, document }) {
  return Object.entries({ "terminal.js": script, "index.html": document }).flatMap(([name, text]) =>
    Object.keys(PACKERS).map((coding) => ({ path: `${name}.${coding}`, coding, text })));
}

function plain({ licenses, name, tag }) {
  return [["LICENSES", licenses], ["script-name", name], ["document-tag", tag]];
}

async function write() {
  const made = await files();
  await mkdir(built, { recursive: true });
  const sizes = { gz: 0, br: 0 };
  for (const { path, coding, text } of packed(made)) {
    const bytes = PACKERS[coding](text);
    sizes[coding] += bytes.length;
    await writeFile(join(built, path), bytes);
  }
  for (const [name, text] of plain(made)) await writeFile(join(built, name), text);
  for (const [coding, size] of Object.entries(sizes)) {
    console.log(`${coding}: ${size} bytes of ${LIMITS[coding]}`);
    if (size > LIMITS[coding]) throw new Error(`the page is larger than it may be`);
  }
}

async function check() {
  const made = await files();
  const differing = [];
  for (const { path, coding, text } of packed(made)) {
    const there = await readFile(join(built, path)).then((bytes) => UNPACKERS[coding](bytes).toString(), () => "");
    if (there !== text) differing.push(path);
  }
  for (const [name, text] of plain(made)) {
    if (await readFile(join(built, name), "utf8").catch(() => "") !== text) differing.push(name);
  }
  if (differing.length === 0) return;
  console.error(`not what the source gives: ${differing.join(", ")}; scripts/page builds them`);
  process.exitCode = 1;
}

await (process.argv[2] === "--check" ? check() : write());
