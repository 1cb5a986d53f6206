// How a program has ended, in words.

// Those that have the same number everywhere.
const SIGNALS = {
  1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL",
  11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
};

// By what the server said of it, else by the code of the Close: 4000 + exit status, 4128 + signal.
export function describeEnd({ code, reason, exit, signal }) {
  if (signal === undefined && exit === undefined) {
    if (code > 4128 && code < 4256) signal = code - 4128;
    else if (code > 4000 && code <= 4128) exit = code - 4000;
    else if (code === 1000) exit = 0;
    else return `The connection was closed with code ${code}${reason ? `: ${reason}` : ""}.`;
  }
  if (signal !== undefined) {
    const name = SIGNALS[signal];
    return `The program was ended by signal ${signal}${name ? ` (${name})` : ""}.`;
  }
  return exit ? `The program ended with exit status ${exit}.` : "The program has ended.";
}
