// ---------------------------------------------------------------- saving

// A line of JSON for a row: its time, its kind, and its data; bytes are in base64, as in recordings.
function lineOf(entry) {
  const kinds = { in: "received", out: "sent" };
  const line = { time: new Date(entry.time).toISOString(), kind: kinds[entry.kind] ?? entry.kind };
  if (isMessage(entry)) line.type = isBinary(entry) ? "binary" : "text";
  line.data = isBinary(entry) ? base64(new Uint8Array(entry.data)) : entry.data;
  if (entry.more) line.more = entry.more;
  return JSON.stringify(line) + "\n";
}

function base64(bytes) {
  const pieces = [];
  const step = 0x6000;   // whole groups of three, and no more arguments than a call may have
  for (let at = 0; at < bytes.length; at += step) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + step))));
  }
  return pieces.join("");
}

function save() {
  const lines = Array.from(log.children, (row) => lineOf(row.entry));
  const url = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `wsd-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
