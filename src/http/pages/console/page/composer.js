// ---------------------------------------------------------------- sending

const MAX_HISTORY = 100;
const MAX_REMEMBERED = 16 * 1024;    // characters; longer messages are not worth a place in the history
const HISTORY_KEY = "wsd-console-history";

const message = $("message");

function send() {
  const text = message.value;
  const kind = $("kind").value;
  let data = text;
  try {
    if (kind === "hex") data = bytesFromHex(text);
  } catch (error) {
    return complain(error.message);
  }
  if (!sendData(data)) return;
  remember({ kind, text });
  write("");
  message.focus();
}

// Whether it was sent.
function sendData(data) {
  if (session?.state !== "open") {
    complain("not connected: nothing was sent");
    return false;
  }
  if (typeof data !== "string" && session.facts && !session.facts.takesBinary) {
    complain("text alone can be sent here: bytes would end the session");
    return false;
  }
  follow();
  worker.postMessage({ task: "send", data });
  awaitAnswer();
  return true;
}

function complain(text) {
  $("complaint").textContent = text;
  message.ariaInvalid = "true";
}

function forgive() {
  $("complaint").textContent = "";
  message.ariaInvalid = null;
}

function write(text) {
  message.value = text;
  react();
}

// To what was typed.
function react() {
  forgive();
  showAdvice();
  fit();
}

// The box is as high as what stands in it; browsers that cannot do that by themselves are told.
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  message.style.height = "auto";
  message.style.height = message.scrollHeight + 2 + "px";
}

// A keyboard that slides over half of the screen is not wanted before somebody asks for it.
function focusMessage() {
  const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;
  const { activeElement } = document;
  const isElsewhere = activeElement.closest("#log, #bar");
  if (!isTouch && !isElsewhere) message.focus();
}

// ---------------------------------------------------------------- how messages go

const WAYS = {
  lines: "Each message is one line for the program, and each line that it prints a message.",
  chunks: "Bytes as they are, with no newline added; each write of the program is a binary message.",
  text: "Text as it is, with no newline added (Shift+Enter makes one); each write of the program is a message.",
  length: "Each message goes behind its kind, t or b, and its length in four bytes.",
  control: "Each message goes behind its kind, t or b, and its length in four bytes; c is a Close.",
  headers: "Each message is the body behind a Content-Length header.",
};
const WAYS_OF_OTHERS = {
  room: "Each message goes to the others in the room.",
  terminal: "A terminal takes keys, and messages of its own kind: open the path itself in a tab.",
};

function showHow() {
  const facts = session?.facts;
  const takesBinary = facts?.takesBinary ?? true;
  const hex = $("kind").options[1];
  hex.disabled = !takesBinary;
  if (!takesBinary) $("kind").value = "text";
  const way = WAYS_OF_OTHERS[facts?.to] ?? WAYS[facts?.framing] ?? "";
  $("how").textContent = facts ? `${way}${takesBinary ? "" : " Text only, no hex."}` : "";
  showAdvice();
}

// A line within a message is a line for the program, whatever was meant.
function showAdvice() {
  const newline = session?.facts?.newline;
  const lines = message.value.split("\n").length;
  const isAsked = Boolean(newline) && lines > 1 && $("kind").value === "text";
  $("advice").classList.toggle("given", isAsked);
  if (!isAsked) return;
  $("advice").firstElementChild.textContent = {
    split: `This becomes ${lines} lines: the program reads ${lines} messages.`,
    reject: `This has ${lines} lines, and would end the session (--newline=reject).`,
    space: `This has ${lines} lines: a space takes the place of each newline (--newline=space).`,
  }[newline];
  $("join").hidden = !isJson(message.value);
}

function joinLines() {
  try {
    write(respaced(message.value, 0));
  } catch (error) {
    complain(`this is no JSON: ${error.message}`);
  }
  message.focus();
}

// ---------------------------------------------------------------- history

let past = recallHistory();
let place = past.length;   // past.length: the draft, not yet sent
let draft = { kind: "text", text: "" };

function recallHistory() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(HISTORY_KEY));
    return stored.filter((entry) => typeof entry.text === "string" && ["text", "hex"].includes(entry.kind));
  } catch {
    return [];   // nothing stored, or storage is switched off
  }
}

function remember(entry) {
  const last = past.at(-1);
  const again = last && last.text === entry.text && last.kind === entry.kind;
  if (entry.text && !again && entry.text.length <= MAX_REMEMBERED) {
    past.push(entry);
    past = past.slice(-MAX_HISTORY);
    try {
      sessionStorage.setItem(HISTORY_KEY, JSON.stringify(past));
    } catch {
      // no storage, or it is full: the history lasts as long as the page
    }
  }
  place = past.length;
}

function travel(step) {
  const to = place + step;
  if (to < 0 || to > past.length) return;
  if (place === past.length) draft = { kind: $("kind").value, text: message.value };
  place = to;
  const entry = past[place] ?? draft;
  if (!$("kind").options[1].disabled) $("kind").value = entry.kind;
  write(entry.text);
}
