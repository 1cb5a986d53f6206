// A finger scrolls: each move becomes a turn of the wheel, of which the terminal knows what it means to the program.

const FRICTION = 0.95; // of the speed is left after a frame
const SLOWEST = 0.5; // pixels a frame

export function scrollByTouch(element) {
  let last;
  let speed = 0;
  let frame;
  const turn = (touch, deltaY) => {
    const { clientX, clientY } = touch;
    const screen = element.querySelector(".xterm-screen");
    screen.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX, clientY, bubbles: true, cancelable: true }));
  };
  const glide = () => {
    speed *= FRICTION;
    if (Math.abs(speed) < SLOWEST) return;
    turn(last, speed);
    frame = requestAnimationFrame(glide);
  };
  element.addEventListener("touchstart", (event) => {
    cancelAnimationFrame(frame);
    speed = 0;
    last = event.touches.length === 1 ? event.touches[0] : undefined;
  }, { passive: true });
  element.addEventListener("touchmove", (event) => {
    if (!last || event.touches.length !== 1) return;
    event.preventDefault();
    const [touch] = event.touches;
    speed = last.clientY - touch.clientY;
    turn(touch, speed);
    last = touch;
  }, { passive: false });
  element.addEventListener("touchend", () => {
    if (last) frame = requestAnimationFrame(glide);
  });
}
