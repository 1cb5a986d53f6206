// Telnet (RFC 854) over a stream of bytes: what is text, and what the two ends agree on (IAC negotiation).
//
//   const telnet = new Telnet({ send, text, echo, size, type });
//   telnet.receive(bytes);      // whatever pieces they come in
//   telnet.line("hello");       // a line of the user

const IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240;
const ECHO = 1, SUPPRESS_GO_AHEAD = 3, TERMINAL_TYPE = 24, WINDOW_SIZE = 31;
const IS = 0, SEND = 1;
const LONGEST_SUBNEGOTIATION = 1024; // bytes; a server that never ends one must not fill the memory

export class Telnet {
  // send(Uint8Array) to the server; text(Uint8Array) to the screen; echo(boolean) when the server begins or ends to
  // show what is typed; size() gives [columns, rows]; type is the terminal's name.
  constructor({ send, text, echo, size, type = "dumb" }) {
    Object.assign(this, { send, text, echo, size, type });
    this.state = "data";
    this.verb = 0;
    this.subnegotiation = [];
    // What is on, so that nothing is answered twice: else both ends could agree for ever (RFC 1143).
    this.theirs = new Set();
    this.ours = new Set();
  }

  receive(bytes) {
    const shown = [];
    for (const byte of bytes) this.#take(byte, shown);
    if (shown.length) this.text(Uint8Array.from(shown));
  }

  // What the user typed, a line of it or a few keys; 255 stands twice.
  typed(bytes) {
    this.send(Uint8Array.from(Array.from(bytes).flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]))));
  }

  line(text) {
    this.typed(new TextEncoder().encode(text + "\r\n"));
  }

  // The window has another size than before.
  resized() {
    if (!this.ours.has(WINDOW_SIZE)) return;
    const numbers = this.size().flatMap((number) => [number >> 8 & 255, number & 255]);
    this.#command(SB, WINDOW_SIZE, ...numbers.flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])), IAC, SE);
  }

  #take(byte, shown) {
    switch (this.state) {
      case "data":
        if (byte === IAC) this.state = "command";
        else shown.push(byte);
        break;
      case "command":
        this.state = "data";
        if (byte === IAC) shown.push(IAC);
        else if (byte === SB) [this.state, this.subnegotiation] = ["subnegotiation", []];
        else if (byte >= WILL) [this.state, this.verb] = ["option", byte];
        // The others, such as "go ahead", have nothing to say to a page.
        break;
      case "option":
        this.state = "data";
        this.#negotiate(this.verb, byte);
        break;
      case "subnegotiation":
        if (byte === IAC) this.state = "subnegotiation command";
        else if (this.subnegotiation.length < LONGEST_SUBNEGOTIATION) this.subnegotiation.push(byte);
        break;
      case "subnegotiation command":
        this.state = byte === SE ? "data" : "subnegotiation";
        if (byte === SE) this.#answer(this.subnegotiation);
        else if (byte === IAC) this.subnegotiation.push(IAC);
        break;
    }
  }

  // Says yes to what a page can do, and no to all else; only where it changes something.
  #negotiate(verb, option) {
    const [set, yes, no] = verb === WILL || verb === WONT ? [this.theirs, DO, DONT] : [this.ours, WILL, WONT];
    const can = set === this.theirs ? [ECHO, SUPPRESS_GO_AHEAD] : [SUPPRESS_GO_AHEAD, TERMINAL_TYPE, WINDOW_SIZE];
    const is_on = set.has(option);
    if (verb === WILL || verb === DO) {
      if (!can.includes(option)) return this.#command(no, option);
      if (is_on) return;
      set.add(option);
      this.#command(yes, option);
    } else {
      if (!is_on) return;
      set.delete(option);
      this.#command(no, option);
    }
    if (set === this.theirs && option === ECHO) this.echo(set.has(ECHO));
    if (set === this.ours && option === WINDOW_SIZE) this.resized();
  }

  #answer([option, what]) {
    if (option !== TERMINAL_TYPE || what !== SEND || !this.ours.has(TERMINAL_TYPE)) return;
    this.#command(SB, TERMINAL_TYPE, IS, ...new TextEncoder().encode(this.type), IAC, SE);
  }

  #command(...bytes) {
    this.send(Uint8Array.of(IAC, ...bytes));
  }
}
