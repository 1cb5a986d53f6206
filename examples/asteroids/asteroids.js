// The player's side of asteroids: what the server tells of the space around, drawn on between two messages, and the keys.
import { ServerClock } from "./clock.js";

const $ = (id) => document.getElementById(id);
const canvas = $("world");
const paint = canvas.getContext("2d");

const TURN = 220;        // degrees a second, as the server has it
const BLEND = 100;       // milliseconds in which an error of reckoning is taken back
const OWN_BLEND = 300;   // of the own ship's angle, which turns here before the server knows
const UNHEARD = 160;     // milliseconds: three ticks; what the rooms do not tell of any more is gone
const JUMP = 300;        // an error so large is no error but another place
const SEEN = 1150;       // what of the world fits on the screen's longer side; the rooms tell of 600 on each side at least

let socket, own, size, things, players, best, blips, sparks, clock;
let camera = { x: 3600, y: 3600 };

function forget() {
  own = "";
  size = 7200;
  things = new Map();    // ships, rocks and shots, by kind and ID
  players = new Map();   // names and scores, by ID
  best = [];
  blips = [];
  sparks = [];
  clock = new ServerClock();
}

// ---------------------------------------------------------------- what the server tells

// The way from one coordinate to another, which may be shorter across the seam.
const apart = (from, to) => ((to - from + size / 2) % size + size) % size - size / 2;

class Thing {
  constructor(kind, id) {
    Object.assign(this, { kind, id, turn: 0, flags: 0, angle: 0, is_new: true });
    // Its looks are the same wherever it is seen.
    let seed = Number(id) * 2654435761 % 4294967296;
    this.random = () => (seed = (seed * 1664525 + 1013904223) % 4294967296) / 4294967296;
    if (kind === "r") this.shape = Array.from({ length: 11 }, () => 0.75 + 0.35 * this.random());
    this.spin = (this.random() - 0.5) * 1.5;
  }

  told(time, x, y, vx, vy, extra) {
    Object.assign(this, { time, toldX: x, toldY: y, vx, vy, toldAngle: this.angle });
    if (this.kind === "r") this.size = extra[0];
    if (this.kind === "s") [this.toldAngle, this.turn, this.flags] = extra;
    if (this.is_new || Math.hypot(apart(this.x, x), apart(this.y, y)) > JUMP) Object.assign(this, { x, y, angle: this.toldAngle });
    this.is_new = false;
  }

  // It flies on as it was told, and what was wrong is taken back bit by bit.
  fly(time, milliseconds) {
    const seconds = milliseconds / 1000;
    const age = Math.min(Math.max(time - this.time, 0), 250) / 1000;
    const is_own = this.kind === "s" && this.id === own;
    const turn = is_own ? held("right") - held("left") : this.turn;
    const towards = (blend) => 1 - Math.exp(-milliseconds / blend);
    this.x += this.vx * seconds;
    this.y += this.vy * seconds;
    this.x += apart(this.x, this.toldX + this.vx * age) * towards(BLEND);
    this.y += apart(this.y, this.toldY + this.vy * age) * towards(BLEND);
    this.angle += turn * TURN * seconds;
    const error = ((this.toldAngle + this.turn * TURN * age - this.angle + 180) % 360 + 360) % 360 - 180;
    this.angle += error * towards(is_own ? OWN_BLEND : BLEND);
  }

  get radius() { return this.kind === "r" ? [0, 16, 30, 54][this.size] : this.kind === "s" ? 16 : 2; }
}

function hear(text) {
  const space = text.indexOf(" ");
  const time = Number(text.slice(0, space));
  clock.hear(time);
  for (const record of text.slice(space + 1).split("|")) {
    const [kind, id, ...rest] = record.split(" ");
    if (kind === "s" || kind === "r" || kind === "b") {
      const key = kind + id;
      if (!things.has(key)) things.set(key, new Thing(kind, id));
      const [x, y, vx, vy, ...extra] = rest.map(Number);
      things.get(key).told(time, x, y, vx, vy, extra);
    } else if (kind === "x") burst(id, ...rest.map(Number));
    else if (kind === "n") players.set(id, { hue: Number(rest[0]), score: Number(rest[1]), name: rest.slice(2).join(" ") });
    else if (kind === "g") hit(id, rest[0]);
    else if (kind === "m") blips = (id ? [id, ...rest] : []).map(Number);
    else if (kind === "h") best = id ? [...best, { score: Number(id), name: rest.join(" ") }] : [];
    else if (kind === "w") size = Number(id);
    else if (kind === "y") own = id;
  }
  for (const [key, thing] of things) if (time - thing.time > UNHEARD) things.delete(key);
}

function burst(id, x, y, size) {
  const thing = things.get("r" + id) ?? things.get("s" + id);
  things.delete("r" + id);
  for (let n = 0; n < 8 * size; n++) {
    const angle = 2 * Math.PI * Math.random(), speed = 30 + 130 * Math.random();
    sparks.push({ x, y, vx: speed * Math.cos(angle), vy: speed * Math.sin(angle), left: 400 + 500 * Math.random(), hue: thing?.kind === "s" ? 20 : null });
  }
}

function hit(id, by) {
  things.delete("s" + id);
  if (by === "-") players.delete(id);
  else if (id === own) $("told").textContent = by === "0" ? "A rock has hit you." : `${players.get(by)?.name ?? "Somebody"} has hit you.`;
  if (id === own) toast();
}

// ---------------------------------------------------------------- the connection

function connect() {
  forget();
  socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/", "asteroids");
  socket.onopen = () => state("open", true);
  socket.onmessage = (event) => hear(event.data);
  socket.onclose = ({ code, reason }) => {
    state(`closed, code ${code}` + (reason && `: ${reason}`), false);
    $("title").textContent = "The connection is lost";
    $("card").hidden = false;
    setTimeout(connect, 1000 + 2000 * Math.random());
  };
}

function state(text, is_open) {
  $("state").textContent = text;
  $("play").disabled = !is_open;
}

$("card").onsubmit = (event) => {
  event.preventDefault();
  socket.send("play " + ($("name").value.trim() || "somebody"));
  localStorage.setItem("name", $("name").value);
  $("card").hidden = true;
  $("name").blur();
  sent = "";
};

// Who was hit is told so over the picture until the next ship is there.
let toasted = -Infinity;
function toast() { toasted = performance.now(); }

// ---------------------------------------------------------------- the keys

const KEYS = { ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right", ArrowUp: "thrust", KeyW: "thrust", Space: "fire" };
const down = new Set();
const held = (name) => Number(down.has(name));
let sent = "";

function tellKeys() {
  const says = `keys ${held("right") - held("left")} ${held("thrust")} ${held("fire")}`;
  if (says !== sent && players.has(own) && socket.readyState === WebSocket.OPEN) socket.send(sent = says);
}
addEventListener("keydown", (event) => {
  if (!KEYS[event.code] || !$("card").hidden) return;
  event.preventDefault();
  down.add(KEYS[event.code]);
  tellKeys();
});
addEventListener("keyup", (event) => {
  down.delete(KEYS[event.code]);
  tellKeys();
});
addEventListener("blur", () => {
  down.clear();
  tellKeys();
});
for (const pad of document.querySelectorAll("#pads button")) {
  pad.onpointerdown = (event) => {
    pad.setPointerCapture(event.pointerId);
    down.add(pad.dataset.key);
    tellKeys();
  };
  pad.onpointerup = pad.onpointercancel = () => {
    down.delete(pad.dataset.key);
    tellKeys();
  };
  pad.oncontextmenu = (event) => event.preventDefault();
}

// ---------------------------------------------------------------- the picture

const dark = matchMedia("(prefers-color-scheme: dark)");
let zoom = 1;

function fit() {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  canvas.width = innerWidth * ratio;
  canvas.height = innerHeight * ratio;
  $("radar").width = $("radar").height = 112 * ratio;
  zoom = Math.max(canvas.width, canvas.height) / SEEN;
}
addEventListener("resize", fit);
fit();

function drawStars() {
  const width = canvas.width / zoom, height = canvas.height / zoom;
  paint.fillStyle = dark.matches ? "#8b95a3" : "#98a2ae";
  // Three layers, the farther the slower.
  for (let layer = 1; layer <= 3; layer++) {
    const step = 130 * layer, shift = 0.25 * layer;
    const left = camera.x * shift - width / 2, top = camera.y * shift - height / 2;
    for (let column = Math.floor(left / step); column * step < left + width; column++) {
      for (let row = Math.floor(top / step); row * step < top + height; row++) {
        const noise = Math.abs(Math.sin(column * 127.1 + row * 311.7 + layer) * 43758.5);
        const x = (column + noise % 1) * step - left, y = (row + noise * 7 % 1) * step - top;
        paint.fillRect(x - width / 2, y - height / 2, layer * 0.8, layer * 0.8);
      }
    }
  }
}

function drawRock(rock, time) {
  const turned = rock.spin * time / 1000;
  paint.beginPath();
  rock.shape.forEach((part, n) => {
    const angle = turned + n / rock.shape.length * 2 * Math.PI;
    paint.lineTo(part * rock.radius * Math.cos(angle), part * rock.radius * Math.sin(angle));
  });
  paint.closePath();
  paint.fillStyle = dark.matches ? "#252b33" : "#e6eaef";
  paint.fill();
  paint.strokeStyle = dark.matches ? "#aab4c0" : "#4b5560";
  paint.stroke();
}

function drawShip(ship) {
  const { hue = 0, name = "" } = players.get(ship.id) ?? {};
  const colour = `hsl(${hue} 75% ${dark.matches ? 65 : 38}%)`;
  paint.save();
  paint.rotate(ship.angle * Math.PI / 180);
  const thrusts = ship.id === own ? held("thrust") : ship.flags & 1;
  if (thrusts) {
    paint.beginPath();
    paint.moveTo(-10, -6);
    paint.lineTo(-18 - 12 * Math.random(), 0);
    paint.lineTo(-10, 6);
    paint.strokeStyle = "#f08c1a";
    paint.stroke();
  }
  paint.beginPath();
  for (const [x, y] of [[18, 0], [-13, -12], [-8, 0], [-13, 12]]) paint.lineTo(x, y);
  paint.closePath();
  paint.fillStyle = ship.id === own ? colour : dark.matches ? "#14171b" : "#fff";
  paint.fill();
  paint.strokeStyle = colour;
  paint.stroke();
  paint.restore();
  if (ship.flags & 2) {
    paint.beginPath();
    paint.arc(0, 0, 24, 0, 2 * Math.PI);
    paint.setLineDash([6, 4]);
    paint.strokeStyle = colour;
    paint.stroke();
    paint.setLineDash([]);
  }
  if (ship.id !== own) {
    paint.fillStyle = colour;
    paint.fillText(name, 0, 34);
  }
}

function drawShot() {
  paint.beginPath();
  paint.arc(0, 0, 2.5, 0, 2 * Math.PI);
  paint.fillStyle = dark.matches ? "#ffe27a" : "#a33a00";
  paint.fill();
}

function drawSparks(milliseconds) {
  for (const spark of sparks) {
    spark.x += spark.vx * milliseconds / 1000;
    spark.y += spark.vy * milliseconds / 1000;
    spark.left -= milliseconds;
    paint.globalAlpha = Math.min(1, Math.max(0, spark.left / 400));
    paint.fillStyle = spark.hue === null ? (dark.matches ? "#c5ced8" : "#4b5560") : "#f08c1a";
    paint.fillRect(apart(camera.x, spark.x) - 1.5, apart(camera.y, spark.y) - 1.5, 3, 3);
  }
  paint.globalAlpha = 1;
  sparks = sparks.filter(({ left }) => left > 0);
}

function drawRadar() {
  const paint = $("radar").getContext("2d");
  const side = $("radar").width;
  paint.clearRect(0, 0, side, side);
  paint.globalAlpha = 0.85;
  paint.fillStyle = dark.matches ? "#1c2026" : "#fff";
  paint.strokeStyle = "#76808c";
  paint.beginPath();
  paint.arc(side / 2, side / 2, side / 2 - 1, 0, 2 * Math.PI);
  paint.fill();
  paint.stroke();
  paint.globalAlpha = 1;
  const dot = (x, y, colour, radius) => {
    const px = side / 2 + apart(camera.x, x) / size * side, py = side / 2 + apart(camera.y, y) / size * side;
    if (Math.hypot(px - side / 2, py - side / 2) > side / 2 - 3) return;
    paint.beginPath();
    paint.arc(px, py, radius * side / 112, 0, 2 * Math.PI);
    paint.fillStyle = colour;
    paint.fill();
  };
  for (let n = 0; n + 2 < blips.length; n += 3) {
    if (String(blips[n]) === own) continue;
    dot(blips[n + 1], blips[n + 2], `hsl(${players.get(String(blips[n]))?.hue ?? 0} 75% ${dark.matches ? 65 : 40}%)`, 2.5);
  }
  dot(camera.x, camera.y, dark.matches ? "#fff" : "#000", 3);
}

let last = performance.now(), listed = 0;
function draw(moment) {
  const milliseconds = Math.min(moment - last, 250);
  last = moment;
  clock.pass(milliseconds);
  const time = clock.now;
  for (const thing of things.values()) thing.fly(time, milliseconds);
  const ship = things.get("s" + own);
  if (ship) [camera.x, camera.y] = [ship.x, ship.y];

  paint.setTransform(1, 0, 0, 1, 0, 0);
  paint.fillStyle = dark.matches ? "#0d0f12" : "#f6f7f9";
  paint.fillRect(0, 0, canvas.width, canvas.height);
  const origin = () => paint.setTransform(zoom, 0, 0, zoom, canvas.width / 2, canvas.height / 2);
  origin();
  drawStars();
  paint.lineWidth = 2;
  paint.lineJoin = "round";
  paint.font = "600 13px system-ui, sans-serif";
  paint.textAlign = "center";
  for (const kind of ["r", "b", "s"]) {
    for (const thing of things.values()) {
      if (thing.kind !== kind) continue;
      paint.save();
      paint.translate(apart(camera.x, thing.x), apart(camera.y, thing.y));
      if (kind === "r") drawRock(thing, time);
      else if (kind === "b") drawShot();
      else drawShip(thing);
      paint.restore();
    }
  }
  drawSparks(milliseconds);
  if (moment - toasted < 2000) {
    paint.font = "600 28px system-ui, sans-serif";
    paint.fillStyle = dark.matches ? "#e4e8ed" : "#1b1f24";
    paint.fillText($("told").textContent, 0, -80);
  }
  if (moment - listed > 200) {
    listed = moment;
    list();
    drawRadar();
  }
  requestAnimationFrame(draw);
}

// The best of a list, and oneself wherever one is in it.
function rows(entries, most) {
  return entries.map(({ name, score, is_own }, rank) => {
    const row = document.createElement("li");
    row.textContent = `${name} ${score}`;   // never innerHTML: anybody can take any name
    row.value = rank + 1;
    row.className = is_own ? "own" : "";
    return row;
  }).filter((row, rank) => rank < most || row.className);
}

function list() {
  $("score").textContent = players.get(own)?.score ?? 0;
  const all = [...players].map(([id, player]) => ({ ...player, is_own: id === own })).sort((a, b) => b.score - a.score);
  $("players").replaceChildren(...rows(all, 6));
  $("best").replaceChildren(...rows(best, best.length));
  $("ever").hidden = !best.length;
}

// For who wants to look behind it, from the browser's console.
globalThis.asteroids = { serverTime: () => clock.now, apart, get things() { return things; }, get players() { return players; }, get best() { return best; }, get ship() { return things.get("s" + own); } };

$("name").value = localStorage.getItem("name") ?? "";
connect();
requestAnimationFrame(draw);
