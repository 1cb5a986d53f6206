// What a page sees of a WebSocket of the class `Socket` at `base`, by theme: the same of whichever class, by whichever way.
//
// The servers: /cat, /line (cat, --newline=reject), /short (cat, --maxframesize=10), /fail (says "last words", status 3), /done (status 0), /text (cat, --framing=text), /bytes (cat,
// --framing=chunks); nothing at /nothing. It runs in pages and in Node, so it needs nothing from outside.
export async function story(Socket, base, themes) {
  const describe = (data) => typeof data === "string" && data.length < 60 ? data : `${data.constructor.name} of ${data.size ?? data.length ?? data.byteLength}`;

  function open(path, protocols) {
    const socket = new Socket(base + path, protocols);
    const events = [];
    const messages = [];
    let wake = () => {};
    const note = (text) => {
      events.push(`${text} in state ${socket.readyState}`);
      wake();
    };
    socket.onopen = () => note("open");
    socket.onmessage = ({ data }) => {
      messages.push(data);
      note(`message ${describe(data)}`);
    };
    socket.onerror = () => note("error");
    socket.onclose = ({ code, reason, wasClean }) => note(`close ${code} "${reason}" ${wasClean}`);
    // Whatever becomes of the handlers.
    for (const type of ["open", "close"]) socket.addEventListener(type, () => wake());
    const until = async (isDone) => {
      while (!isDone()) await new Promise((resolve) => { wake = resolve; });
    };
    return {
      socket,
      events,
      messages,
      until,
      opened: () => until(() => socket.readyState !== Socket.CONNECTING),
      ended: () => until(() => socket.readyState === Socket.CLOSED && events.at(-1)?.startsWith("close")),
    };
  }

  const bytesOf = async (messages) => {
    const blob = new Blob(messages);
    return [...new Uint8Array(await blob.arrayBuffer())];
  };
  const thrown = (action) => {
    try {
      action();
      return "nothing";
    } catch (error) {
      return error.name;
    }
  };

  const told = {
    async conversation() {
      const { socket, events, messages, until, opened, ended } = open("cat");
      const states = [socket.readyState, socket.binaryType, socket.bufferedAmount, socket.extensions, socket.protocol];
      await opened();
      for (const text of ["a", "", "ü€😀 ", " b", "two\nlines", "data: x", "x".repeat(100_000)]) socket.send(text);
      await until(() => messages.length === 8);
      socket.close(1000, "bye");
      const after = socket.readyState;
      socket.send("12345");
      await ended();
      return { states, events, after, unsent: socket.bufferedAmount, url: socket.url.replace(base, "BASE/") };
    },
    async failingProgram() {
      const { events, ended } = open("fail");
      await ended();
      return events;
    },
    async programThatIsDone() {
      const { events, ended } = open("done");
      await ended();
      return events;
    },
    async nothingThere() {
      const { events, ended } = open("nothing");
      await ended();
      return events;
    },
    async closedBeforeOpen() {
      const { socket, events, ended } = open("cat");
      socket.close();
      const state = socket.readyState;
      await ended();
      return { state, events };
    },
    async closeWithoutCode() {
      const { socket, events, opened, ended } = open("cat");
      await opened();
      socket.send("said before");
      socket.close();
      socket.close(3000, "again");
      await ended();
      return events.filter((event) => !event.startsWith("message"));
    },
    async binaryWhereLinesAre() {
      const { socket, events, messages, until, opened, ended } = open("cat");
      await opened();
      socket.send("before");
      await until(() => messages.length === 1);
      socket.send(new Uint8Array([1]));
      await ended();
      return events;
    },
    async tooLarge() {
      const { socket, events, opened, ended } = open("cat");
      await opened();
      socket.send("x".repeat(1_100_000));
      await ended();
      return events.map((event) => event.replace(/"[^"]*"/, "with a reason"));
    },
    async largest() {
      const { socket, events, messages, until, opened, ended } = open("cat");
      await opened();
      socket.send("ü".repeat(524_288));
      await until(() => messages.length === 1 || socket.readyState === Socket.CLOSED);
      socket.close(1000);
      await ended();
      return events;
    },
    async answersBeforeARefusal() {
      const told = [];
      for (const [path, refused] of [["line", "b\nc"], ["short", "b".repeat(11)], ["cat", new Uint8Array([1])]]) {
        const { socket, events, opened, ended } = open(path);
        await opened();
        socket.send("a");
        socket.send(refused);
        await ended();
        told.push(events.map((event) => event.replace(/"[^"]*"/, "with a reason")));
      }
      return told;
    },
    async bytes() {
      const { socket, events, messages, until, opened, ended } = open("bytes");
      const size = () => messages.reduce((sum, { byteLength, size }) => sum + (byteLength ?? size), 0);
      await opened();
      const buffer = new Uint8Array([0, 10, 13, 255, 128]);
      socket.send(buffer);
      buffer.fill(7);
      socket.send(buffer.buffer);
      socket.send(buffer.subarray(1, 3));
      socket.send(new DataView(buffer.buffer, 4));
      socket.send(new Blob([new Uint8Array([1, 2])]));
      socket.send("ü");
      await until(() => size() === 17);
      const first = await bytesOf(messages);
      const isBlob = messages[0] instanceof Blob;
      socket.binaryType = "nothing";
      const typeAfterNonsense = socket.binaryType;
      socket.binaryType = "arraybuffer";
      socket.send(new Uint8Array(70_000).fill(3));
      await until(() => size() === 70_017);
      const isBuffer = messages.at(-1) instanceof ArrayBuffer;
      socket.close(4321, "own");
      await ended();
      return { first, isBlob, isBuffer, typeAfterNonsense, last: events.at(-1) };
    },
    async text() {
      const { socket, messages, until, opened, ended } = open("text");
      const texts = ["a\nb", "\r\n", "event: close\ndata: {\"code\":1000}\n\n", "id: x\n", "\n\n", ": ", "ü\u2028€", "\ufeff\r"];
      await opened();
      for (const text of texts) socket.send(text);
      await until(() => messages.join("").length === texts.join("").length);
      socket.close(1000);
      await ended();
      return messages.join("");
    },
    async thousand() {
      const { socket, messages, until, opened, ended } = open("cat");
      await opened();
      for (let number = 0; number < 1000; number++) socket.send(`${number} ${"x".repeat(200)}`);
      await until(() => messages.length === 1000);
      socket.close(1000);
      await ended();
      return messages.every((text, number) => text.startsWith(`${number} `));
    },
    async handlers() {
      const { socket, opened, ended } = open("cat");
      const calls = [];
      socket.onopen = null;
      const removed = () => calls.push("removed");
      socket.addEventListener("message", removed);
      socket.onmessage = (event) => calls.push(`on ${event.data} ${event.constructor.name} ${event.target === socket} ${event.currentTarget === socket}`);
      socket.addEventListener("message", { handleEvent: ({ type }) => calls.push(`object ${type}`) }, { once: true });
      socket.addEventListener("message", function () { calls.push(`this ${this === socket}`); });
      socket.removeEventListener("message", removed);
      await opened();
      const before = socket.onopen;
      socket.onclose = 5;
      const nonsense = socket.onclose;
      const closed = new Promise((resolve) => socket.addEventListener("close", (event) => resolve(event.constructor.name)));
      const origin = new Promise((resolve) => socket.addEventListener("message", (event) => resolve(event.origin === new URL(base).origin), { once: true }));
      socket.send("a");
      socket.send("b");
      const from = await origin;
      while (calls.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
      socket.close(1000);
      return { calls, before, nonsense, from, closed: (await closed).replace(/^Event$/, "CloseEvent") };
    },
    async amounts() {
      const { socket, until, messages, opened, ended } = open("cat");
      await opened();
      socket.send("12345");
      socket.send("€");
      const amounts = [socket.bufferedAmount];
      await until(() => messages.length === 2);
      // What has been said is known to have gone when that was answered, which may be behind the echo.
      while (socket.bufferedAmount) await new Promise((resolve) => setTimeout(resolve, 5));
      amounts.push(socket.bufferedAmount);
      socket.close(1000);
      await ended();
      socket.send("123");
      amounts.push(socket.bufferedAmount);
      return amounts;
    },
    async nonsense() {
      const at = (url, protocols) => thrown(() => new Socket(url, protocols).close());
      const { socket, opened, ended } = open("cat");
      const early = thrown(() => socket.send("early"));
      await opened();
      const errors = {
        early,
        scheme: at("ftp://localhost/"),
        invalid: at("ws://["),
        fragment: at(`${base}cat#a`),
        emptyFragment: at(`${base}cat#`),
        twice: at(base, ["a", "b", "a"]),
        space: at(base, "a b"),
        empty: at(base, ""),
        comma: at(base, ["a,b"]),
        umlaut: at(base, ["ä"]),
        codes: [0, 999, 1001, 1005, 2999, 5000].map((code) => thrown(() => socket.close(code))),
        longReason: thrown(() => socket.close(1000, "€".repeat(42))),
        reason: thrown(() => socket.close(4999, "€".repeat(41))),
        code: thrown(() => socket.close(5000)),
        noUrl: thrown(() => new Socket()),
        noMessage: thrown(() => socket.send()),
        symbol: thrown(() => socket.send(Symbol())),
        offersOfNoList: thrown(() => new Socket(base, {})),
        noOffers: at(base, null),
        oddCodes: [null, "abc", NaN, true, Symbol(), "4000", [3001]].map((code) => thrown(() => socket.close(code, "bye"))),
      };
      await ended();
      const names = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
      const tag = Object.prototype.toString.call(socket).replace("Wsd", "Web");
      const name = Socket.name.replace("Wsd", "Web");
      return { errors, name, tag, length: Socket.length, constants: names.map((name) => [Socket[name], socket[name]]) };
    },
  };
  const results = {};
  for (const theme of themes ?? Object.keys(told)) results[theme] = await told[theme]();
  return results;
}
