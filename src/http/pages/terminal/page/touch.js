// A finger scrolls: what was said, or what the program shows, if it takes the screen or the mouse.

const FRICTION = 0.95; // of the speed is left after a frame
const SLOWEST = 0.5; // pixels a frame

export function scrollByTouch(terminal) {
  const { element } = terminal;
  const screen = element.querySelector(".xterm-screen");
  let last;
  let speed = 0;
  let rest = 0; // pixels that are no whole line yet
  let frame;

  const scroll = (touch, pixels) => {
    const height = screen.clientHeight / terminal.rows;
    const lines = Math.trunc((rest + pixels) / height);
    rest += pixels - lines * height;
    const isOurs = terminal.buffer.active.type === "normal" && terminal.modes.mouseTrackingMode === "none";
    if (isOurs) terminal.scrollLines(lines);
    else for (let n = 0; n < Math.abs(lines); n++) turnWheel(touch, Math.sign(lines));
  };
  // The terminal knows what a wheel means to the program.
  const turnWheel = ({ clientX, clientY }, deltaY) => {
    const deltaMode = WheelEvent.DOM_DELTA_LINE;
    screen.dispatchEvent(new WheelEvent("wheel", { deltaY, deltaMode, clientX, clientY, bubbles: true, cancelable: true }));
  };
  const glide = () => {
    speed *= FRICTION;
    if (Math.abs(speed) < SLOWEST) return;
    scroll(last, speed);
    frame = requestAnimationFrame(glide);
  };

  element.addEventListener("touchstart", ({ touches }) => {
    cancelAnimationFrame(frame);
    speed = rest = 0;
    last = touches.length === 1 ? touches[0] : undefined;
  }, { passive: true });
  element.addEventListener("touchmove", (event) => {
    if (!last || event.touches.length !== 1) return;
    event.preventDefault();
    const [touch] = event.touches;
    speed = last.clientY - touch.clientY;
    scroll(touch, speed);
    last = touch;
  }, { passive: false });
  element.addEventListener("touchend", () => {
    if (last) frame = requestAnimationFrame(glide);
  });
}
