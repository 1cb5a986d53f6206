/*! WsdSocket, of wsd; MIT License */
// A drop-in WebSocket that goes on by plain HTTP where a network cuts WebSockets, for a server with --plain-http.
//
// Of it scripts/page makes what wsd serves: /.well-known/wsd.mjs, whose default export it is, and /.well-known/wsd.js, which
// sets WsdSocket. A page is told what https://websockets.spec.whatwg.org/ says; what goes over the network in place of a
// WebSocket is in docs/plain-http.md. Its types are in docs/wsd.d.ts.

const NativeWebSocket = globalThis.WebSocket;
const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const defaults = {
  // Milliseconds for a WebSocket to open. The fallback has ten times as many, for nothing is tried behind it.
  wait: 3000,
  // Whether a connection is opened again that was lost, or that the server ended for reasons of its own.
  reconnect: false,
  // Of the fallback's requests to another origin: "include" sends cookies, where --origin names the page's origin itself.
  credentials: "same-origin",
};
// Closes of a server that stops or is full, and of connections that were lost: a program's own ends are final.
const PASSING = [1001, 1006, 1012, 1013];

// wsd says something every 15 s. A stream that is silent for longer than this has been lost without a word.
const SILENCE = 45_000;
// So long a lost stream is asked for again. wsd keeps it for 15 s after it has noticed, which may take a while.
const RESUMING = 30_000;
// A stream that has lasted this long is asked for again at once.
const LASTING = 5000;
// Messages that wait for one another go together up to so many bytes, as many as wsd keeps for a program.
const TOGETHER = 65_536;
// The stream says how a session has ended; if it does not, this is waited for.
const GRACE = 2000;
// What a program gets to answer what came before a message that is refused, as much as wsd gives it.
const ANSWERS = 250;

const sleep = (time) => new Promise((wake) => setTimeout(wake, time));
const sizeOf = (data) => new Blob([data]).size;
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function fail(name, text) {
  throw new DOMException(text, name);
}

// What this tab has learnt of a host: "websocket" once one has opened, else "http" if that has.
const learnt = {
  of: {},
  get(host) {
    try {
      return sessionStorage.getItem(`wsd ${host}`);
    } catch {
      return this.of[host];
    }
  },
  set(host, transport) {
    this.of[host] = transport;
    try {
      sessionStorage.setItem(`wsd ${host}`, transport);
    } catch {
      // Workers, sandboxed frames and Node have none: it is known for as long as this script is.
    }
  },
};

// A session by a stream of server-sent events, and by requests that say something in it.
class EventStream {
  protocol = "";
  extensions = "";
  bufferedAmount = 0;
  #url;
  #headers = {};
  #options;
  #on;
  #session;
  #framing;
  #newline;
  #lastId;
  #aborter;
  #queue = [];
  #isSending = false;
  #closing;
  #isOver = false;

  // `on` has open(), message(data) and close(code, reason, wasClean).
  constructor(url, offers, options, on) {
    const target = new URL(url);
    target.protocol = target.protocol.replace("ws", "http");
    const token = offers.find((offer) => offer.startsWith("bearer."));
    const login = `${target.username}:${target.password}`;
    if (token) this.#headers.Authorization = `Bearer ${token.slice(7)}`;
    // The bytes of UTF-8 that a URL has percent-encoded (RFC 7617).
    else if (login !== ":") this.#headers.Authorization = `Basic ${btoa(unescape(login))}`;
    target.username = target.password = "";
    this.#url = target;
    this.#options = options;
    this.#on = on;
    globalThis.addEventListener?.("pagehide", this.#leavePage);
    this.#run();
  }

  send(message) {
    const isText = typeof message === "string";
    const isLine = this.#framing === "lines" || this.#framing === "headers";
    let refusal;
    if (isLine && !isText) refusal = [1003, "this program takes text messages only"];
    if (isLine && isText && message.includes("\n")) {
      if (this.#newline === "reject") refusal = [1008, "a message must be one line here"];
      // In JSON, which is what has headers, it is as good as a space.
      if (this.#newline === "space" || this.#framing === "headers") message = message.replaceAll("\n", " ");
    }
    const size = sizeOf(message);
    this.bufferedAmount += size;
    this.#queue.push({ blob: new Blob(isLine ? [message, "\n"] : [message]), size, refusal });
    this.#sendAll();
  }

  close(code, reason = "") {
    if (!this.#session) return setTimeout(() => this.#end(1006));
    this.#closing = [code, reason];
    this.#sendAll();
  }

  #fetch(query, { headers, ...rest }) {
    const url = new URL(this.#url);
    if (query) url.search += `${url.search && "&"}session=${query}`;
    const { credentials } = this.#options;
    return fetch(url, { cache: "no-store", credentials, headers: { ...this.#headers, ...headers }, ...rest });
  }

  async #run() {
    let giveUpAt = 0;
    let pause = 0;
    for (;;) {
      const begun = Date.now();
      const outcome = await this.#listen();
      const now = Date.now();
      if (outcome === "lost") giveUpAt = now + RESUMING;
      if (outcome === "refused" || now >= giveUpAt) this.#end(1006);
      if (this.#isOver) return;
      if (now - begun > LASTING) pause = 0;
      await sleep(pause);
      pause = Math.min(2 * pause + 250, 4000);
    }
  }

  // Listens until the stream is "lost"; or it is "refused", or "missed", and may be there another time.
  async #listen() {
    const aborter = this.#aborter = new AbortController();
    const abort = () => aborter.abort();
    let timer = setTimeout(abort, 10 * this.#options.wait);
    let outcome = "missed";
    const headers = { Accept: "text/event-stream" };
    // The first is a POST, for a browser may keep from the server whose page it is that sends a GET.
    const method = this.#session ? "GET" : "POST";
    if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
    try {
      const response = await this.#fetch(this.#session, { method, headers, signal: aborter.signal });
      if (!response.ok) return response.status < 500 ? "refused" : outcome;
      if (!response.headers.get("Content-Type")?.startsWith(headers.Accept)) return "refused";
      await readEvents(response.body, (event) => {
        clearTimeout(timer);
        timer = setTimeout(abort, SILENCE);
        if (!event || this.#isOver) return;
        outcome = "lost";
        this.#take(event);
      });
    } catch {
      // The network has failed, or the time is over.
    } finally {
      clearTimeout(timer);
      abort();
    }
    return outcome;
  }

  #take({ type, data, id }) {
    const on = this.#on;
    this.#lastId = id || this.#lastId;
    if (type === "open") {
      const isFirst = !this.#session;
      ({ session: this.#session, framing: this.#framing, newline: this.#newline } = JSON.parse(data));
      if (isFirst) on.open();
    } else if (type === "close") {
      const { code, reason } = JSON.parse(data);
      this.#end(...(this.#closing ?? [code, reason]));
    } else if (type === "text") on.message(new TextDecoder("utf-8", { ignoreBOM: true }).decode(fromBase64(data)));
    else if (type === "binary") on.message(fromBase64(data).buffer);
    else on.message(data);
  }

  // Says what waits, in its order, one request after the other; then the close, if there is one.
  async #sendAll() {
    if (this.#isSending) return;
    this.#isSending = true;
    // What a page says in one go goes together.
    await null;
    const queue = this.#queue;
    let together = TOGETHER;
    while (queue.length && !this.#isOver) {
      const blobs = [];
      let bytes = 0;
      for (const { blob, refusal } of queue) {
        if (refusal || blobs.length && bytes + blob.size > together) break;
        bytes += blob.size;
        blobs.push(blob);
      }
      if (!blobs.length) {
        await this.#refuse(...queue[0].refusal);
        break;
      }
      const response = await this.#post("", new Blob(blobs));
      if (response?.ok || this.#isOver) {
        for (const { size } of queue.splice(0, blobs.length)) this.bufferedAmount -= size;
      } else if (response?.status !== 413) {
        // The stream may know how the session has ended.
        if (response?.status === 404) await sleep(GRACE);
        // If there is no answer it cannot be known whether it has come, so it is not said again.
        this.#giveUp(1006);
      } else if (blobs.length > 1) together = -1; // One is too large, and those before it are not.
      else await this.#refuse(1009, "a message is larger than --maxframesize allows");
    }
    this.#isSending = false;
    if (!this.#closing || this.#isOver) return;
    const [code] = this.#closing;
    const response = await this.#post(code ? `&close=${code}` : "&close");
    await sleep(GRACE);
    this.#end(...(response ? this.#closing : [1006]));
  }

  // The answer; none if the network has failed. Of what is refused for the moment nothing has been put in.
  async #post(query, body) {
    let response;
    for (let pause = 50; !this.#isOver; pause *= 2) {
      response = await this.#fetch(this.#session + query, { method: "POST", body }).catch(() => {});
      // What nobody reads would keep its connection.
      response?.body?.cancel();
      if (response?.status !== 503 && response?.status !== 429) break;
      await sleep(Math.min(pause, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
    }
    return response;
  }

  // Ends the session as the server would by itself, behind what the program answers to what was said before.
  async #refuse(code, reason) {
    await sleep(ANSWERS);
    this.#giveUp(code, reason);
  }

  #giveUp(code, reason) {
    if (!this.#isOver) this.#leave();
    this.#end(code, reason);
  }

  #leave() {
    if (this.#session) this.#fetch(`${this.#session}&close`, { method: "POST", keepalive: true }).catch(() => {});
  }

  // Who leaves the page is not awaited. If the page is shown again, it learns then that it was left.
  #leavePage = () => {
    this.#leave();
    setTimeout(() => this.#end(1006));
  };

  #end(code = 1005, reason = "") {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#aborter.abort();
    globalThis.removeEventListener?.("pagehide", this.#leavePage);
    this.#on.close(code, reason, code !== 1006);
  }
}

// Calls `take` with each event of a stream, and with nothing whenever something comes. Of what
// https://html.spec.whatwg.org/multipage/server-sent-events.html allows, wsd needs no carriage returns.
async function readEvents(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { data: [] };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    take();
    rest += value;
    // A long line is not looked at again with each piece.
    if (!value.includes("\n")) continue;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const [, name, text] = /^([^:]*):? ?([^]*)/.exec(line);
      if (name === "data") event.data.push(text);
      else if (line) event[name] = text;
      else {
        const { event: type, id, data } = event;
        if (type || data.length) take({ type, id, data: data.join("\n") });
        event = { data: [] };
      }
    }
  }
}

class WsdSocket extends EventTarget {
  #url;
  #offers;
  #options;
  #socket;
  #transport = "";
  #state = CONNECTING;
  #binaryType = "blob";
  #unsent = 0;
  #timer;
  #pause = 500;
  #isClosed = false;
  #handlers = {};

  constructor(url, protocols = [], options = {}) {
    super();
    expectOne(arguments);
    this.#url = parseUrl(url);
    this.#offers = parseOffers(protocols);
    this.#options = { ...defaults, ...options };
    this.#connect();
  }

  // Puts it in the place of WebSocket, for scripts that know of nothing else.
  static install(options) {
    Object.assign(defaults, options);
    globalThis.WebSocket = WsdSocket;
  }

  get url() {
    return this.#url.href;
  }

  get readyState() {
    return this.#state;
  }

  get protocol() {
    return this.#socket?.protocol ?? "";
  }

  get extensions() {
    return this.#socket?.extensions ?? "";
  }

  get bufferedAmount() {
    return (this.#socket?.bufferedAmount ?? 0) + this.#unsent;
  }

  // "websocket" or "http" when it has opened.
  get transport() {
    return this.#transport;
  }

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(type) {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  send(data) {
    expectOne(arguments);
    if (this.#state === CONNECTING) fail("InvalidStateError", "It is still connecting.");
    const isBinary = data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data);
    const message = isBinary ? data : `${data}`;
    if (this.#state === OPEN) this.#socket.send(message);
    else this.#unsent += sizeOf(message);
  }

  close(code, reason) {
    if (code !== undefined) code = Math.round(code);
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      fail("InvalidAccessError", `The code is 1000 or between 3000 and 4999; ${code} is neither.`);
    }
    if (reason !== undefined) reason = `${reason}`;
    if (reason && sizeOf(reason) > 123) fail("SyntaxError", "The reason has more than 123 bytes.");
    this.#isClosed = true;
    if (this.#state >= CLOSING) return;
    this.#state = CLOSING;
    clearTimeout(this.#timer);
    if (!this.#socket) setTimeout(() => this.#end(1006, "", false));
    else if (code === undefined) this.#socket.close();
    else this.#socket.close(code, reason);
  }

  #connect() {
    const { host } = this.#url;
    if (!NativeWebSocket || learnt.get(host) === "http") return this.#fallBack();
    const socket = this.#socket = new NativeWebSocket(this.#url.href, this.#offers);
    socket.binaryType = "arraybuffer";
    const isOpen = () => this.#transport !== "";
    this.#timer = setTimeout(() => {
      socket.onopen = socket.onclose = null;
      socket.close();
      this.#fallBack();
    }, this.#options.wait);
    socket.onopen = () => {
      learnt.set(host, "websocket");
      this.#open("websocket");
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onerror = () => isOpen() && this.dispatchEvent(new Event("error"));
    socket.onclose = ({ code, reason, wasClean }) => {
      if (isOpen() || this.#state === CLOSING) this.#end(code, reason, wasClean, !isOpen());
      else this.#fallBack();
    };
  }

  #fallBack() {
    clearTimeout(this.#timer);
    const { host } = this.#url;
    this.#socket = new EventStream(this.#url, this.#offers, this.#options, {
      open: () => {
        if (learnt.get(host) !== "websocket") learnt.set(host, "http");
        this.#open("http");
      },
      message: (data) => this.#take(data),
      close: (code, reason, wasClean) => this.#end(code, reason, wasClean, !wasClean),
    });
  }

  #open(transport) {
    if (this.#state !== CONNECTING) return;
    clearTimeout(this.#timer);
    this.#transport = transport;
    this.#state = OPEN;
    this.#pause = 500;
    this.dispatchEvent(new Event("open"));
  }

  #take(message) {
    if (this.#state !== OPEN) return;
    const isBlob = typeof message !== "string" && this.#binaryType === "blob";
    const data = isBlob ? new Blob([message]) : message;
    this.dispatchEvent(new MessageEvent("message", { data, origin: this.#url.origin }));
  }

  #end(code, reason, wasClean, hasFailed) {
    this.#state = CLOSED;
    if (hasFailed) this.dispatchEvent(new Event("error"));
    const details = { code, reason, wasClean };
    const { CloseEvent } = globalThis;
    // Node has had it since version 23.
    this.dispatchEvent(CloseEvent ? new CloseEvent("close", details) : Object.assign(new Event("close"), details));
    if (!this.#options.reconnect || this.#isClosed || !PASSING.includes(code)) return;
    this.#state = CONNECTING;
    this.#transport = "";
    this.#socket = undefined;
    // Not all that have lost one server at the same time come back at the same time.
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(2 * this.#pause, 30_000);
  }

  static {
    for (const type of ["open", "message", "error", "close"]) {
      Object.defineProperty(this.prototype, `on${type}`, {
        configurable: true,
        enumerable: true,
        get() {
          return this.#handlers[type] ?? null;
        },
        set(handler) {
          if (!(type in this.#handlers)) {
            this.addEventListener(type, (event) => this.#handlers[type]?.call(this, event));
          }
          this.#handlers[type] = typeof handler === "function" ? handler : null;
        },
      });
    }
    // Whatever the class is called when it is built.
    const value = "WsdSocket";
    Object.defineProperty(this, "name", { value, configurable: true });
    Object.defineProperty(this.prototype, Symbol.toStringTag, { value, configurable: true });
    for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
      for (const owner of [this, this.prototype]) Object.defineProperty(owner, name, { value, enumerable: true });
    }
  }
}

function parseUrl(url) {
  let parsed;
  try {
    parsed = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    fail("SyntaxError", `The URL '${url}' is invalid.`);
  }
  parsed.protocol = parsed.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(parsed.protocol)) fail("SyntaxError", `The scheme is ws, wss, http or https, and not '${parsed.protocol}'.`);
  if (parsed.href.includes("#")) fail("SyntaxError", `The URL '${url}' has a fragment.`);
  return parsed;
}

function expectOne({ length }) {
  if (!length) throw new TypeError("1 argument is required, but there is none.");
}

function parseOffers(protocols) {
  const isList = Object(protocols) === protocols && protocols[Symbol.iterator];
  const offers = (isList ? [...protocols] : [protocols]).map(String);
  const isToken = (offer) => /^[\w!#$%&'*+.^`|~-]+$/.test(offer);
  if (!offers.every(isToken)) fail("SyntaxError", "A subprotocol has a character that it may not have.");
  if (new Set(offers).size < offers.length) fail("SyntaxError", "A subprotocol is offered twice.");
  return offers;
}

export default WsdSocket;
