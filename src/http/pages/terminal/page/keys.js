// The bar of keys that a keyboard on a screen lacks. Ctrl holds for one key; focus stays where it is.

const REPEAT_AFTER = 400; // milliseconds
const REPEAT_EACH = 60;
const ARROWS = { up: "A", down: "B", right: "C", left: "D" };

export class Keys {
  constructor(terminal, bar, pressed) {
    Object.assign(this, { terminal, bar, pressed });
    this.ctrl = bar.querySelector('[data-key="ctrl"]');
    for (const button of bar.children) this.listen(button);
  }

  listen(button) {
    const { key } = button.dataset;
    let timer;
    const stop = () => clearTimeout(timer);
    const repeat = () => {
      this.press(key);
      timer = setTimeout(repeat, REPEAT_EACH);
    };
    button.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      stop();
      this.press(key);
      if (key in ARROWS) timer = setTimeout(repeat, REPEAT_AFTER);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) button.addEventListener(end, stop);
    // It is this that would take the focus away.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // Not of a pointer, but of a keyboard or what reads the screen.
    button.addEventListener("click", (event) => event.detail || this.press(key));
  }

  press(key) {
    if (key === "ctrl") {
      this.hold(!this.isHeld);
      this.terminal.focus();
      return;
    }
    const isHeld = this.isHeld;
    this.hold(false);
    this.pressed();
    this.terminal.input(this.sequence(key, isHeld));
  }

  sequence(key, isHeld) {
    if (key === "esc") return "\x1b";
    if (key === "tab") return "\t";
    if (isHeld) return `\x1b[1;5${ARROWS[key]}`;
    return `\x1b${this.terminal.modes.applicationCursorKeysMode ? "O" : "["}${ARROWS[key]}`;
  }

  get isHeld() {
    return this.ctrl.ariaPressed === "true";
  }

  hold(isHeld) {
    this.ctrl.ariaPressed = String(isHeld);
  }

  // What is typed, with Ctrl if that is held. What a program's question is answered with is longer than a key.
  apply(data) {
    if (!this.isHeld || data.length !== 1) return data;
    this.hold(false);
    if (data === "?") return "\x7f";
    return /[a-z@[\\\]^_ ]/i.test(data) ? String.fromCharCode(data.toUpperCase().charCodeAt(0) & 0x1f) : data;
  }
}
