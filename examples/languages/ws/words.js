#!/usr/bin/env node
const readline = require("node:readline");

readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const words = line.split(/\s+/).filter(Boolean);
    console.log(`${words.length} words, says Node`);
});
