// The WebSocket to the program at this page's own path, one after another: each is a program of its own.

const LOST = [1001, 1006, 1012];
const LONGEST_WAIT = 30; // seconds
const PIECE = 16 * 1024; // bytes of a message: a long paste is under any limit of a message's size
const ACK_EACH = 32 * 1024; // bytes: an eighth of what may be on its way
const ACK_WITHIN = 100; // milliseconds

// Page and socket have the query in common, which the program is told of, but for the size.
function address(cols, rows) {
  const words = location.search.slice(1).split("&");
  const others = words.filter((word) => word && !/^(cols|rows)(=|$)/.test(word));
  const query = [...others, `cols=${cols}`, `rows=${rows}`].join("&");
  return `${location.origin.replace(/^http/, "ws")}${location.pathname}?${query}`;
}

// Tells how much of the output was drawn: at once if that is much, else soon.
function acknowledger(socket) {
  let drawn = 0;
  let told = 0;
  let timer;
  const tell = () => {
    clearTimeout(timer);
    timer = undefined;
    if (told === drawn || socket.readyState !== WebSocket.OPEN) return;
    told = drawn;
    socket.send(JSON.stringify({ ack: drawn }));
  };
  return (bytes) => {
    drawn += bytes;
    if (drawn - told >= ACK_EACH) tell();
    else timer ??= setTimeout(tell, ACK_WITHIN);
  };
}

export class Connection {
  // `terminal` has a size and draws. `heard` is called with what the server says, `changed` with the state:
  // "connecting", "open", "lost" (and the seconds to wait), "ended" (and how); `again` when these are over.
  constructor(terminal, { heard, changed, again }) {
    Object.assign(this, { terminal, heard, changed, again, wait: 1, state: "new" });
  }

  open() {
    clearTimeout(this.timer);
    const { cols, rows } = this.terminal;
    const socket = new WebSocket(address(cols, rows), ["wsd.terminal"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.size = [cols, rows];
    let end = {};
    const acknowledge = acknowledger(socket);
    socket.onopen = () => {
      this.become("open");
      this.resize();
    };
    socket.onmessage = ({ data }) => {
      this.wait = 1;
      if (typeof data === "string") {
        const said = JSON.parse(data);
        end = { ...end, ...said };
        this.heard(said);
      } else {
        this.terminal.write(new Uint8Array(data), () => acknowledge(data.byteLength));
      }
    };
    // What came before the end is drawn before it.
    socket.onclose = (close) => this.terminal.write("", () => this.close(close, end));
    this.become("connecting");
  }

  close({ code, reason }, { exit, signal }) {
    const hasEnded = exit !== undefined || signal !== undefined;
    if (!LOST.includes(code) || (code === 1006 && hasEnded)) {
      this.become("ended", { code, reason, exit, signal });
      return;
    }
    this.become("lost", this.wait);
    this.timer = setTimeout(this.again, this.wait * 1000);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  become(state, detail) {
    this.state = state;
    this.changed(state, detail);
  }

  // The program is told of another size than it knows.
  resize() {
    const { cols, rows } = this.terminal;
    const isNews = cols !== this.size?.[0] || rows !== this.size[1];
    if (this.state !== "open" || !isNews) return;
    this.size = [cols, rows];
    this.socket.send(JSON.stringify({ resize: this.size }));
  }

  send(bytes) {
    if (this.state !== "open") return;
    for (let at = 0; at < bytes.length; at += PIECE) this.socket.send(bytes.subarray(at, at + PIECE));
  }
}
