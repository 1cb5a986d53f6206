// The player's side of agar: what the server tells, drawn on between two messages, and where the player wants to go.
import { ServerClock } from "./clock.js";

const $ = (id) => document.getElementById(id);
const canvas = $("world");
const paint = canvas.getContext("2d");

const BLEND = 120;      // milliseconds in which an error of reckoning is taken back; much less is seen as a jump
const JUMP = 500;       // an error so large is no error but another place
const STEER_EVERY = 50; // milliseconds; the server looks no oftener

let socket, own, size, balls, pellets, meals, clock;
const camera = { x: 0, y: 0, zoom: 1, ball: null };

function forget() {
  own = "";
  size = 0;
  balls = new Map();
  pellets = new Map();
  meals = [];           // what was just eaten, on its way into who ate it
  clock = new ServerClock();
}

// ---------------------------------------------------------------- what the server tells

class Ball {
  constructor(hue, name) {
    Object.assign(this, { hue, name, x: 0, y: 0, vx: 0, vy: 0, time: 0, mass: 0, radius: 0, errorX: 0, errorY: 0, is_new: true });
  }

  // Where it is, if it has gone on as it was told: dead reckoning.
  reckon(time) {
    const seconds = Math.max(0, time - this.time) / 1000;
    const clamp = (value) => Math.min(Math.max(value, 0), size);
    return [clamp(this.x + this.vx * seconds), clamp(this.y + this.vy * seconds)];
  }

  // Where it is drawn: there, and what is left of the last error.
  drawn(time) {
    const [x, y] = this.reckon(time);
    return [x + this.errorX, y + this.errorY];
  }

  told(time, x, y, vx, vy, mass) {
    const moment = clock.now;
    const [beforeX, beforeY] = this.drawn(moment);
    Object.assign(this, { x, y, vx, vy, time, mass });
    const [afterX, afterY] = this.reckon(moment);
    [this.errorX, this.errorY] = [beforeX - afterX, beforeY - afterY];
    if (this.is_new || Math.hypot(this.errorX, this.errorY) > JUMP) this.errorX = this.errorY = 0;
    if (this.is_new) this.radius = 0;
    this.is_new = false;
  }

  settle(milliseconds) {
    const left = Math.exp(-milliseconds / BLEND);
    this.errorX *= left;
    this.errorY *= left;
    this.radius += (6 * Math.sqrt(this.mass) - this.radius) * (1 - left);
  }
}

function hear(text) {
  const space = text.indexOf(" ");
  const time = Number(text.slice(0, space));
  clock.hear(time);
  for (const record of text.slice(space + 1).split("|")) {
    const [kind, id, ...rest] = record.split(" ");
    if (kind === "w") size = Number(id);
    else if (kind === "y") own = id;
    else if (kind === "f") pellets.set(id, { x: Number(rest[0]), y: Number(rest[1]), hue: Number(id) * 47 % 360, since: performance.now() });
    else if (kind === "n") balls.set(id, new Ball(Number(rest[0]), rest.slice(1).join(" ")));
    else if (kind === "b") balls.get(id)?.told(time, ...rest.map(Number));
    else if (kind === "e") eaten(pellets, id, rest[0], 6);
    else if (kind === "x") gone(id, rest[0]);
  }
}

function eaten(things, id, by, radius) {
  const thing = things.get(id);
  const [x, y] = thing instanceof Ball ? thing.drawn(clock.now) : [thing?.x, thing?.y];
  if (thing && balls.has(by)) meals.push({ x, y, radius, hue: thing.hue, by, since: performance.now() });
  things.delete(id);
}

function gone(id, by) {
  const name = balls.get(by)?.name || "somebody";
  eaten(balls, id, by, balls.get(id)?.radius);
  if (id === own) showCard(`${name} has eaten you`, "Play again");
}

// ---------------------------------------------------------------- the connection

function connect() {
  forget();
  socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/", "agar");
  socket.onopen = () => state("open", true);
  socket.onmessage = (event) => hear(event.data);
  socket.onclose = ({ code, reason }) => {
    state(`closed, code ${code}` + (reason && `: ${reason}`), false);
    showCard("The connection is lost", "Play");
    setTimeout(connect, 1000 + 2000 * Math.random());
  };
}

function state(text, is_open) {
  $("state").textContent = text;
  $("play").disabled = !is_open;
}

function showCard(title, button) {
  $("title").textContent = title;
  $("play").textContent = button;
  $("card").hidden = false;
  $("name").focus({ preventScroll: true });
}

$("card").onsubmit = (event) => {
  event.preventDefault();
  socket.send("play " + ($("name").value.trim() || "somebody"));
  localStorage.setItem("name", $("name").value);
  $("card").hidden = true;
  $("name").blur();
  sent = "";
};

// ---------------------------------------------------------------- where the player wants to go

const wish = { x: 0, y: 0, fast: false };
const keys = new Set();
let sent = "";

const KEYS = { ArrowUp: "up", KeyW: "up", ArrowDown: "down", KeyS: "down", ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right", Space: "fast" };

function pointed(event) {
  // Full speed from a third of the screen's shorter side on.
  const reach = Math.min(innerWidth, innerHeight) / 3;
  wish.x = (event.clientX - innerWidth / 2) / reach;
  wish.y = (event.clientY - innerHeight / 2) / reach;
}

function steer() {
  let { x, y, fast } = wish;
  const held = (name) => Number(keys.has(name));
  if (["up", "down", "left", "right"].some(held)) [x, y] = [held("right") - held("left"), held("down") - held("up")];
  const length = Math.max(1, Math.hypot(x, y));
  // In steps of 4 %, so that a hand that trembles is no news.
  const step = (value) => Math.round(value / length * 25) * 4;
  const says = `go ${step(x)} ${step(y)} ${Number(fast || keys.has("fast"))}`;
  if (says !== sent && balls.has(own) && socket.readyState === WebSocket.OPEN) socket.send(sent = says);
}

canvas.onpointermove = pointed;
canvas.onpointerdown = (event) => { if (event.isPrimary) pointed(event); else wish.fast = true; };
canvas.onpointerup = canvas.onpointercancel = (event) => { if (!event.isPrimary) wish.fast = false; };
$("fast").onpointerdown = () => { wish.fast = true; };
$("fast").onpointerup = $("fast").onpointercancel = () => { wish.fast = false; };
addEventListener("keydown", (event) => {
  if (!KEYS[event.code] || !$("card").hidden) return;
  event.preventDefault();
  keys.add(KEYS[event.code]);
});
addEventListener("keyup", (event) => {
  keys.delete(KEYS[event.code]);
  if (!keys.size && KEYS[event.code] && KEYS[event.code] !== "fast" && $("card").hidden) wish.x = wish.y = 0;
});
addEventListener("blur", () => keys.clear());
setInterval(steer, STEER_EVERY);

// ---------------------------------------------------------------- the picture

const dark = matchMedia("(prefers-color-scheme: dark)");

function fit() {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  canvas.width = innerWidth * ratio;
  canvas.height = innerHeight * ratio;
}
addEventListener("resize", fit);
fit();

function circle(x, y, radius, fill, stroke) {
  paint.beginPath();
  paint.arc(x, y, Math.max(radius, 0), 0, 2 * Math.PI);
  paint.fillStyle = fill;
  paint.fill();
  if (!stroke) return;
  paint.lineWidth = Math.max(2, radius * 0.08);
  paint.strokeStyle = stroke;
  paint.stroke();
}

function follow(time, milliseconds) {
  const ball = balls.get(own) ?? [...balls.values()].sort((a, b) => b.mass - a.mass)[0];
  if (!ball) return;
  const [x, y] = ball.drawn(time);
  // The ball is in the middle; from who was looked at before, the camera glides.
  if (camera.ball !== ball) Object.assign(camera, { ball, awayX: camera.x - x, awayY: camera.y - y });
  const left = Math.exp(-milliseconds / 250);
  camera.awayX *= left;
  camera.awayY *= left;
  camera.x = x + camera.awayX;
  camera.y = y + camera.awayY;
  const zoom = Math.max(canvas.width, canvas.height) / (1000 + 7 * ball.radius);
  camera.zoom += (zoom - camera.zoom) * (1 - Math.exp(-milliseconds / 400));
}

function drawGround() {
  const step = 100;
  const halfWidth = canvas.width / 2 / camera.zoom, halfHeight = canvas.height / 2 / camera.zoom;
  const left = Math.max(0, camera.x - halfWidth), right = Math.min(size, camera.x + halfWidth);
  const top = Math.max(0, camera.y - halfHeight), bottom = Math.min(size, camera.y + halfHeight);
  paint.fillStyle = dark.matches ? "#1c2026" : "#fff";
  paint.fillRect(left, top, right - left, bottom - top);
  paint.beginPath();
  for (let x = Math.ceil(left / step) * step; x <= right; x += step) { paint.moveTo(x, top); paint.lineTo(x, bottom); }
  for (let y = Math.ceil(top / step) * step; y <= bottom; y += step) { paint.moveTo(left, y); paint.lineTo(right, y); }
  paint.lineWidth = 1;
  paint.strokeStyle = dark.matches ? "#2b313a" : "#e3e8ee";
  paint.stroke();
  paint.lineWidth = 6;
  paint.strokeStyle = dark.matches ? "#76808c" : "#59636e";
  paint.strokeRect(0, 0, size, size);
  return (x, y, reach) => Math.abs(x - camera.x) < halfWidth + reach && Math.abs(y - camera.y) < halfHeight + reach;
}

function drawBall(ball, time) {
  const [x, y] = ball.drawn(time);
  const lightness = dark.matches ? 58 : 62;
  circle(x, y, ball.radius, `hsl(${ball.hue} 70% ${lightness}%)`, `hsl(${ball.hue} 70% ${lightness - 18}%)`);
  const height = Math.max(14 / camera.zoom, ball.radius * 0.4);
  paint.font = `600 ${height}px system-ui, sans-serif`;
  paint.textAlign = "center";
  paint.textBaseline = "middle";
  paint.fillStyle = "#111";
  paint.fillText(ball.name, x, y, ball.radius * 3);
  if (ball.radius > 40) {
    paint.font = `${height * 0.55}px system-ui, sans-serif`;
    paint.fillText(ball.mass, x, y + height * 0.85);
  }
}

// On its way into who has eaten it.
function drawMeal(meal, time) {
  const eater = balls.get(meal.by);
  const done = (performance.now() - meal.since) / 150;
  if (!eater || done >= 1) return false;
  const [x, y] = eater.drawn(time);
  circle(meal.x + (x - meal.x) * done, meal.y + (y - meal.y) * done, meal.radius * (1 - done), `hsl(${meal.hue} 70% 60%)`);
  return true;
}

let last = performance.now(), listed = 0;
function draw(moment) {
  const milliseconds = Math.min(moment - last, 250);
  last = moment;
  clock.pass(milliseconds);
  const time = clock.now;
  for (const ball of balls.values()) ball.settle(milliseconds);
  follow(time, milliseconds);

  paint.setTransform(1, 0, 0, 1, 0, 0);
  paint.fillStyle = dark.matches ? "#0d0f12" : "#cfd6de";
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.setTransform(camera.zoom, 0, 0, camera.zoom, canvas.width / 2 - camera.x * camera.zoom, canvas.height / 2 - camera.y * camera.zoom);
  const is_seen = drawGround();
  for (const { x, y, hue, since } of pellets.values()) {
    if (is_seen(x, y, 10)) circle(x, y, 7 * Math.min(1, (moment - since) / 200), `hsl(${hue} 80% ${dark.matches ? 62 : 50}%)`);
  }
  meals = meals.filter((meal) => drawMeal(meal, time));
  for (const ball of [...balls.values()].sort((a, b) => a.mass - b.mass)) {
    if (is_seen(...ball.drawn(time), ball.radius * 2)) drawBall(ball, time);
  }
  if (moment - listed > 250) {
    listed = moment;
    list();
  }
  requestAnimationFrame(draw);
}

function list() {
  $("mass").textContent = balls.get(own)?.mass ?? 0;
  // The largest, and oneself wherever one is among them.
  const rows = [...balls].sort(([, a], [, b]) => b.mass - a.mass).map(([id, { name, mass }], rank) => {
    const row = document.createElement("li");
    row.textContent = `${name} ${mass}`;   // never innerHTML: anybody can take any name
    row.value = rank + 1;
    row.className = id === own ? "own" : "";
    return row;
  }).filter((row, rank) => rank < 6 || row.className);
  $("largest").replaceChildren(...rows);
}

// For who wants to look behind it, from the browser's console.
globalThis.agar = { serverTime: () => clock.now, get balls() { return balls; }, get pellets() { return pellets; }, get own() { return balls.get(own); }, wish };

$("name").value = localStorage.getItem("name") ?? "";
connect();
requestAnimationFrame(draw);
