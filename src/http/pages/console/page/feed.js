// ---------------------------------------------------------------- what wsd tells of a session beside its messages

const FEED_PATIENCE = 1500;   // milliseconds for the word; without it one connects all the same
const FEED_RETRY = 1000;      // milliseconds until a feed that broke off is read on
const HIDDEN_PAUSE = 10_000;  // milliseconds until a page that nobody sees gives its connection to others: a browser
                              // has six to a server, and a console in each tab would leave none

const FEED_LINES = 100;       // events shown of what comes at a time, twenty times a second at most

const delay = (time) => new Promise((resolve) => setTimeout(resolve, time));

// Of one attempt to connect. `hear` is called with each event. A feed is over when wsd has said all.
class Feed {
  word = null;
  tellsAll = false;
  refusal = null;          // what wsd says if it gives no feed
  isUnreachable = false;
  #hear;
  #next = 0;
  #lost = 0;
  #isOver = false;
  #controller = null;
  #begun = signal();
  #over = signal();

  constructor(hear) {
    this.#hear = hear;
    this.#run();
  }

  // Resolves when there is a word, or hardly will be.
  begun() {
    return Promise.race([this.#begun.promise, delay(FEED_PATIENCE)]);
  }

  over(patience) {
    return Promise.race([this.#over.promise, delay(patience)]);
  }

  pause() {
    this.#controller?.abort();
  }

  stop() {
    this.#isOver = true;
    this.pause();
  }

  async #run() {
    while (!this.#isOver) {
      try {
        await this.#read();
      } catch (error) {
        this.isUnreachable = error.name !== "AbortError";
        if (!this.word || this.#isOver) break;
        await delay(FEED_RETRY);
        await untilVisible();
      }
    }
    this.#begun.resolve();
    this.#over.resolve();
  }

  async #read() {
    this.#controller = new AbortController();
    // Below the page's own path: a proxy may serve it elsewhere than at /.
    const url = `${location.pathname.replace(/\/?$/, "/")}.well-known/wsd-console`;
    const response = await fetch(this.word ? `${url}?from=${this.word}.${this.#next}` : url,
      { signal: this.#controller.signal, cache: "no-store", headers: { accept: "text/event-stream" } });
    this.isUnreachable = false;
    if (!response.ok) {
      const isOurs = response.headers.get("content-type")?.startsWith("text/plain");
      this.refusal = isOurs ? (await response.text()).trim() : null;
      this.#isOver = true;
      return;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) if (event.startsWith("data: ")) this.#take(JSON.parse(event.slice(6)));
    }
    this.#isOver = true;
  }

  #take({ word, tellsAll, next, lost, events = [] }) {
    if (word) {
      Object.assign(this, { word, tellsAll });
      this.#begun.resolve();
      return;
    }
    // Of a flood the newest lines, and all that is no line.
    const surplus = Math.max(0, events.length - FEED_LINES);
    const missing = lost - this.#lost + surplus;
    if (missing > 0) this.#hear({ kind: "lost", lines: missing });
    this.#lost = lost;
    this.#next = next;
    events.filter((event, at) => at >= surplus || event.kind !== "stderr").forEach(this.#hear);
  }
}

// A promise, and what resolves it.
function signal() {
  const parts = {};
  parts.promise = new Promise((resolve) => { parts.resolve = resolve; });
  return parts;
}

function untilVisible() {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", function look() {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    });
  });
}
