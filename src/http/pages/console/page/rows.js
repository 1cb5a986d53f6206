// ---------------------------------------------------------------- rows

const MAX_TEXT = 64 * 1024;   // characters shown of one text message
const MAX_BINARY = 1024;      // bytes shown of one binary message
const LONG_TEXT = 4096;       // beyond this a row gets its own scroll bar
const MAX_LOOK = 4096;        // characters of a message that are looked into, whether it is JSON, before anybody asks

const MARKS = {
  in: ["↓", "received"], out: ["↑", "sent"], open: ["●", "open"], close: ["○", "closed"], error: ["✕", "error"],
  info: ["·", "note"], hint: ["?", "hint"], stderr: ["!", "from the program's stderr"],
};

const isMessage = (entry) => entry.kind === "in" || entry.kind === "out";
const isBinary = (entry) => entry.data instanceof ArrayBuffer;

// The element of an entry: what came or went, or what there is to say of the connection. Its text comes before its
// time, so that a row begins with what it is about; the style puts the time first.
function rowOf(entry) {
  const row = $("blank").content.firstElementChild.cloneNode(true);
  const [body, about, tools] = row.children;
  const [time, mark, size] = about.children;
  const at = new Date(entry.time);
  row.dataset.kind = entry.kind;
  row.entry = entry;
  time.dateTime = at.toISOString();
  time.textContent = clock(at);
  [mark.textContent, mark.ariaLabel] = MARKS[entry.kind];
  if (entry.hasFailed) row.dataset.failed = "";
  if (isMessage(entry)) {
    row.dataset.size = entry.size;
    size.textContent = `${number(entry.size)} B${isBinary(entry) ? " binary" : ""}`;
    if (isBinary(entry)) row.dataset.binary = "";
    if (entry.kind === "out") tools.prepend(toolOf("again", "Send again"));
    if (!isBinary(entry) && isJson(entry.data)) tools.prepend(toolOf("pretty", "Pretty"));
  }
  fill(body, entry, entry.data);
  return row;
}

function toolOf(name, label) {
  const tool = document.createElement("button");
  Object.assign(tool, { type: "button", textContent: label, tabIndex: -1 });
  tool.dataset.tool = name;
  if (name === "pretty") tool.ariaPressed = "false";
  return tool;
}

function isJson(text) {
  if (!looksLikeJson(text)) return false;
  if (text.length > MAX_LOOK) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// Shows text, or bytes, as far as that is of use to anybody.
function fill(body, entry, data) {
  const text = body.firstElementChild;
  body.replaceChildren(text);
  text.replaceChildren();
  if (entry.kind === "stderr") {
    const label = document.createElement("span");
    label.className = "label";
    label.textContent = "stderr ";
    text.append(label);
  }
  text.append(shown(entry, data));
  const isLong = text.textContent.length > LONG_TEXT;
  text.classList.toggle("long", isLong);
  if (isLong) text.tabIndex = 0;   // what can be scrolled can be scrolled by keyboard
  const [length, most, unit] = isBinary(entry)
    ? [entry.size, MAX_BINARY, "bytes"]
    : [data.length, MAX_TEXT, "characters"];
  if (length > most) {
    const cut = `… cut: the first ${number(most)} of ${number(length)} ${unit} are shown; Copy and Save have them all`;
    body.append(partOf("note", cut));
  }
  if (entry.more) body.append(partOf("more", entry.more));
}

function shown(entry, data) {
  if (isBinary(entry)) return hexDump(new Uint8Array(data, 0, Math.min(data.byteLength, MAX_BINARY)));
  // Not between the halves of a character.
  const end = data.length > MAX_TEXT && (data.charCodeAt(MAX_TEXT - 1) & 0xfc00) === 0xd800 ? MAX_TEXT - 1 : MAX_TEXT;
  return data.slice(0, end);
}

function partOf(name, text) {
  const part = document.createElement("div");
  part.className = name;
  part.textContent = text;
  return part;
}

// ---------------------------------------------------------------- what can be done with a row

const TOOLS = {
  async copy(row, tool) {
    const { entry } = row;
    let text = entry.pretty ?? entry.data;
    if (isBinary(entry)) text = hexOf(new Uint8Array(entry.data));
    if (entry.more) text += "\n" + entry.more;
    await copyText(text);
    announce("copied");
    tool.dataset.done = "";
    setTimeout(() => delete tool.dataset.done, 1000);
  },

  again(row) {
    sendData(isBinary(row.entry) ? new Uint8Array(row.entry.data.slice(0)) : row.entry.data);
  },

  pretty(row, tool) {
    const { entry } = row;
    const body = row.firstElementChild;
    if (entry.pretty !== undefined) {
      entry.pretty = undefined;
    } else {
      try {
        entry.pretty = respaced(entry.data, 2);
      } catch (error) {
        body.append(partOf("note", `this is no JSON: ${error.message}`));
        return;
      }
    }
    fill(body, entry, entry.pretty ?? entry.data);
    tool.ariaPressed = String(entry.pretty !== undefined);
  },
};

// Pages that came without TLS from another machine have no clipboard but this.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const { activeElement } = document;
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "out-of-sight";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    activeElement?.focus({ preventScroll: true });
  }
}

// To those who do not see it.
function announce(text) {
  $("announcement").textContent = "";
  requestAnimationFrame(() => { $("announcement").textContent = text; });
}
