// ---------------------------------------------------------------- the connection

const REFUSAL_PATIENCE = 2000;  // milliseconds to learn why an attempt failed
const END_PATIENCE = 1000;      // milliseconds to learn a program's last words
const SILENCE = 2000;           // milliseconds without an answer to the first message
const LAST_WORDS = 5;           // lines

let session = null;             // the newest
let attempts = 0;
const endings = new Map();      // sessions whose end has yet to be told, by id

async function connect() {
  disconnect();
  const path = $("path").value.trim().replace(/^(?!\/)/, "/");
  const protocols = $("protocol").value.split(/[\s,]+/).filter(Boolean);
  $("path").value = path;
  // The host stands before the path, so no path can lead to another one.
  const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
  const mine = {
    id: ++attempts, url, asked: askedFor(), state: "connecting", facts: null, lastWords: [],
    sent: 0, isAnswered: false, refused: null, ended: null,
  };
  session = mine;
  endings.set(mine.id, mine);
  showState();
  showHow();
  keepInAddress(path, protocols);
  say("info", `connecting to ${url}` + (protocols.length ? `, offering ${protocols.join(", ")}` : ""));
  mine.feed = new Feed((event) => hear(mine, event));
  await mine.feed.begun();
  if (mine.state !== "connecting") return;   // given up meanwhile
  worker.postMessage({ task: "connect", id: mine.id, url: withWord(url, mine.feed.word), protocols });
}

// wsd takes the word out again: neither the program nor the log sees it.
function withWord(url, word) {
  return word ? `${url}${url.includes("?") ? "&" : "?"}wsd-console=${word}` : url;
}

function disconnect() {
  if (!session || session.state === "closed") return;
  worker.postMessage({ task: "disconnect" });
  session.isGivenUp = session.state === "connecting";
  if (!session.isGivenUp) return;
  // What the worker has begun, or not yet, comes to nothing.
  session.state = "closed";
  session.feed?.stop();
  endings.delete(session.id);
  say("close", "given up");
  showState();
}

function changeState({ id, state }) {
  if (session?.id !== id || session.isGivenUp) return;
  session.state = state;
  showState();
  if (state === "open") focusMessage();
}

// From what the worker says of the connection to what there is to read; messages are what they are.
function understand(entry) {
  if (entry.kind === "begin") {
    const protocol = entry.protocol ? `subprotocol ${entry.protocol}` : "no subprotocol";
    return [{ ...entry, kind: "open", data: `open, ${protocol}` }];
  }
  if (entry.kind === "end") {
    tellEnd(entry);
    return [];
  }
  if (entry.kind === "in" && session) session.isAnswered = true;
  return [entry];
}

function hear(mine, event) {
  if (event.kind === "opened") {
    mine.facts = event;
    showHow();
  } else if (event.kind === "stderr") {
    const line = printable(event.line);
    mine.lastWords = [...mine.lastWords, line].slice(-LAST_WORDS);
    say("stderr", line);
  } else if (event.kind === "lost") {
    say("info", `${number(event.lines)} lines of stderr came too fast to be shown: the log has them`);
  } else {
    mine[event.kind] = event;   // refused, ended
  }
}

// ---------------------------------------------------------------- its end

async function tellEnd(end) {
  const mine = endings.get(end.id);
  endings.delete(end.id);
  if (!mine) return;
  clearTimeout(mine.hint);
  // Of what the browser itself refuses wsd never hears.
  if (!end.error) await mine.feed.over(end.wasOpen ? END_PATIENCE : REFUSAL_PATIENCE);
  mine.feed.stop();
  const whose = mine === session ? "" : "previous connection ";
  if (end.error) {
    say("error", `cannot connect to ${mine.url}: ${end.error.replace(/[?&]wsd-console=[0-9a-f]+/, "")}`);
  } else if (end.wasOpen) {
    const hasFailed = !end.wasClean || !WELL_ENDED.includes(end.code);
    say("close", whose + endOf(end), { hasFailed, more: hasFailed ? lastWordsOf(mine) : undefined });
    if (mine.ended?.cameAtEnd) {
      say("hint", `All output came only when the program had ended: it was kept back. ${UNBUFFER}`);
    }
  } else {
    say("error", ...reasonOf(mine));
  }
}

const CLOSE_CODES = {
  1000: "normal end", 1001: "going away", 1002: "protocol error", 1003: "message type not accepted",
  1005: "no code given", 1006: "no closing handshake", 1007: "text was not UTF-8", 1008: "against policy",
  1009: "message too big", 1011: "error on the server", 1012: "server restarts", 1013: "try again later",
};
const WELL_ENDED = [1000, 1001, 1005, 1012];

// What is said of an end is said once: by the reason, which tells of the program's exit status too, or else by the code.
function endOf({ wasClean, code, reason }) {
  const what = wasClean ? "closed" : "the connection broke";
  const meaning = closeMeaning(code);
  return `${what}, code ${code}` + (reason ? `: ${reason}` : meaning ? ` (${meaning})` : "");
}

// From 4000 on stands how the program ended: 4000 + exit status, 4128 + signal.
function closeMeaning(code) {
  if (code > 4128 && code < 4256) return `the program was ended by signal ${code - 4128}`;
  if (code > 4000 && code <= 4128) return `the program ended with status ${code - 4000}`;
  return CLOSE_CODES[code];
}

function lastWordsOf({ lastWords }) {
  return lastWords.length ? `its last words on stderr:\n${lastWords.join("\n")}` : undefined;
}

// ---------------------------------------------------------------- why there was none

function reasonOf({ feed, refused, lastWords }) {
  if (refused) {
    const more = [REMEDIES[refused.name], ...lastWords].filter(Boolean).join("\n");
    return [`refused with ${refused.status}: ${refused.reason}`, { more: more || undefined }];
  }
  if (feed.isUnreachable) {
    return [`could not connect: nothing answers at ${location.host}`, { more: "Is wsd still running there?" }];
  }
  if (feed.refusal) return [`could not connect: ${feed.refusal}`];
  if (feed.tellsAll) {
    return ["could not connect, and wsd knows of no attempt",
      { more: "Is there a proxy in between that does not pass WebSockets on?" }];
  }
  return ["could not connect: the server refused; its log says why",
    { more: "Here that is told to who is on the server's own machine, or has logged in." }];
}

// What the reason does not say already.
const REMEDIES = {
  start: "Is the program where wsd was told, and may it be executed (chmod +x)? The first line of a script names its "
    + "interpreter: #!/usr/bin/env python3",
  not_found: "COMMAND answers at every path; a --route, a program of --dir and a --room at their own alone.",
  maxforks: "Raise it, or end other sessions: each has a program of its own.",
  max_connections: "Raise it, or close other pages: a console takes up to three connections.",
  max_connections_per_ip: "Raise it, or close other pages: a console takes up to three connections.",
  unauthenticated: "Browsers ask for a name and a password only where a page is loaded: open this address in a tab. "
    + "A token is offered as a subprotocol, bearer.TOKEN, beside another one.",
  target: "Is the server of --target running, and at this address?",
  authorizer: "It is what --authorize runs or asks that decides; what it says on stderr is in the log.",
  unauthorized: "It is what --authorize runs or asks that decides; what it says on stderr is in the log.",
  backoff: "The log has its last words; it is started again in a moment.",
  framing: "Each framing has its own kinds of messages: --framing.",
};

// ---------------------------------------------------------------- no answer

const UNBUFFER = "Most languages keep back what they print to anything but a terminal. What helps: flush behind each "
  + "line in the program (Python: print(…, flush=True); C: fflush(stdout)), or start it unbuffered (python3 -u, "
  + "stdbuf -oL). wsd does the latter with --unbuffer, and for Ruby, Perl and static programs with --unbuffer=pty.";

function awaitAnswer() {
  const mine = session;
  if (mine.sent++ > 0) return;
  mine.isAnswered = false;
  mine.hint = setTimeout(() => {
    const hint = silence(mine.facts);
    if (hint && !mine.isAnswered && mine.state === "open") say("hint", `No answer for ${SILENCE / 1000} s. ${hint}`);
  }, SILENCE);
}

function silence(facts) {
  if (facts?.to === "room" || facts?.to === "terminal") return null;
  if (facts?.to === "target") return "The target has the message, and has said nothing.";
  if (facts?.mayHoldBack === false) {
    return "Output is sent at once (--unbuffer), so the program may wait for more: for another line, or for the end of "
      + "its input, as sort does. A few need --unbuffer=pty.";
  }
  return UNBUFFER;
}

// ---------------------------------------------------------------- state and address

const askedFor = () => `${$("path").value}\n${$("protocol").value}`;

// One button, which says what it does: what was typed meanwhile is connected to.
function offersDisconnect() {
  return ["connecting", "open"].includes(session?.state) && session.asked === askedFor();
}

function showState() {
  const state = session?.state ?? "closed";
  const isToEnd = offersDisconnect();
  $("state").textContent = $("state").dataset.state = state;
  $("connect").textContent = isToEnd ? "Disconnect" : "Connect";
  $("connect").classList.toggle("main", !isToEnd);
  document.body.toggleAttribute("data-folded", state === "open");
  document.title = `${state === "open" ? "● " : ""}${$("path").value} · wsd console`;
}

const ownPath = () => location.pathname + location.search;

function keepInAddress(path, protocols) {
  const isDefault = path === ownPath() && !protocols.length;
  const encoded = (text) => encodeURIComponent(text).replace(/%2F/g, "/").replace(/%2C/g, ",");
  const parts = [`path=${encoded(path)}`];
  if (protocols.length) parts.push(`protocol=${encoded(protocols.join(","))}`);
  history.replaceState(null, "", isDefault && !location.hash ? ownPath() : `#${parts.join("&")}`);
}

// What the address names; the page's own path otherwise.
function readAddress() {
  const given = {};
  for (const part of location.hash.slice(1).split("&")) {
    const [name, ...rest] = part.split("=");
    try {
      given[name] = decodeURIComponent(rest.join("="));
    } catch {
      given[name] = rest.join("=");   // not encoded after all
    }
  }
  $("path").value = given.path || ownPath();
  $("protocol").value = (given.protocol ?? "").split(",").join(", ");
}
