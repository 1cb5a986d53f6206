// The server's clock, as its messages tell it: milliseconds of a clock of its own.
//
// The message that was fastest on its way tells best what time it is there; one that came late changes nothing, so that
// nothing stumbles over a slow network. Clocks drift, so the best of long ago counts less and less; and a better one is
// taken over bit by bit, or all that moves would leap.
const DRIFT = 0.001;    // of a second, each second
const PATIENCE = 500;   // milliseconds in which a difference mostly goes
const LEAP = 1000;      // a difference that large is another clock

export class ServerClock {
  constructor() {
    this.fastest = this.offset = -Infinity;   // the server's clock less ours
    this.heard = 0;
  }

  // A message of this time has come.
  hear(time) {
    const here = performance.now();
    this.fastest = Math.max(time - here, this.fastest - (here - this.heard) * DRIFT);
    this.heard = here;
    if (!(Math.abs(this.fastest - this.offset) < LEAP)) this.offset = this.fastest;
  }

  // So much time has passed.
  pass(milliseconds) {
    if (this.is_set) this.offset += (this.fastest - this.offset) * (1 - Math.exp(-milliseconds / PATIENCE));
  }

  get is_set() { return this.offset > -Infinity; }
  get now() { return performance.now() + this.offset; }
}
