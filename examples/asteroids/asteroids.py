#!/usr/bin/env python3
"""Asteroids for many: ships, shots and rocks in a world without edges. One program for all players:

    wsd --staticdir=examples/asteroids --share=tagged --tick=50 examples/asteroids/asteroids.py [SCORES]

SCORES is the file in which the best scores last; without it they are forgotten with the game.

Nobody is sent the whole world. It is cut into sectors, and each is a room of wsd's: a player is in the four rooms around
the own ship, and each tick every room that somebody is in is told once what there is in it.

    to a room          TIME RECORD|RECORD|…   milliseconds
      s ID X Y VX VY ANGLE TURN FLAGS           a ship; degrees; -1, 0, 1; 1 thrust, 2 shield
      r ID X Y VX VY SIZE                       a rock, 3 (large) to 1
      b ID X Y VX VY                            a shot
      x ID X Y SIZE                             it has burst
    to all             TIME RECORD|…
      n ID HUE SCORE NAME                       a player, again with each new score
      g ID BY                                   who has been hit by ID's shot, a rock (0), or has left (-)
      m ID X Y ID X Y …                         the radar, once a second
      h SCORE NAME                              a best score, from the best down; `h` alone clears the list
    to one             TIME w SIZE SECTOR|y ID|…
    from a player      play NAME,  keys TURN THRUST FIRE
"""

import math
import os
import random
import sys
import time

SECTOR = 1200
ACROSS = 6  # sectors
SIZE = SECTOR * ACROSS
ROCKS = 110  # large ones; they come back as they are shot
RADIUS = {3: 54, 2: 30, 1: 16}  # of rocks, by size
POINTS = {3: 20, 2: 50, 1: 100}
SHIP_RADIUS, SHIP_POINTS = 16, 250
TURN, THRUST, DRAG, FASTEST = 220, 380, 0.5, 450  # degrees, units a second; units a second a second
SHOT_SPEED, SHOT_LIFE, RELOAD = 650, 1.1, 0.22  # seconds
AWAY, SHIELD = 2, 2.5  # seconds that a ship is lost, and that the next one is safe
STEPS = 2  # a tick; a shot that goes farther in a step than a rock is wide would pass through it
BEST = 10  # scores
START = time.monotonic()


def clock():
    return time.monotonic() - START


def apart(a, b):
    """The way from one coordinate to another, which may be shorter across the seam."""
    return (b - a + SIZE / 2) % SIZE - SIZE / 2


def near(thing, other, reach):
    dx, dy = apart(thing.x, other.x), apart(thing.y, other.y)
    return dx * dx + dy * dy < reach * reach


def sector(x, y):
    return int(x // SECTOR) % ACROSS, int(y // SECTOR) % ACROSS


class Thing:
    """Whatever flies."""

    __slots__ = ("id", "x", "y", "vx", "vy")
    last = 0

    def __init__(self, x, y, vx=0.0, vy=0.0):
        Thing.last += 1
        self.id, self.x, self.y, self.vx, self.vy = Thing.last, x % SIZE, y % SIZE, vx, vy

    def fly(self, seconds):
        self.x = (self.x + self.vx * seconds) % SIZE
        self.y = (self.y + self.vy * seconds) % SIZE

    def place(self):
        return f"{self.id} {self.x:.0f} {self.y:.0f} {self.vx:.0f} {self.vy:.0f}"


class Rock(Thing):
    __slots__ = ("size",)

    def __init__(self, x, y, size):
        angle, speed = random.uniform(0, 2 * math.pi), random.uniform(30, 70) * (4 - size)
        super().__init__(x, y, speed * math.cos(angle), speed * math.sin(angle))
        self.size = size

    def record(self, _):
        return f"r {self.place()} {self.size}"


class Shot(Thing):
    __slots__ = ("player", "until")

    def __init__(self, ship, now):
        dx, dy = math.cos(math.radians(ship.angle)), math.sin(math.radians(ship.angle))
        super().__init__(ship.x + 20 * dx, ship.y + 20 * dy, ship.vx + SHOT_SPEED * dx, ship.vy + SHOT_SPEED * dy)
        self.player, self.until = ship.player, now + SHOT_LIFE

    def record(self, _):
        return f"b {self.place()}"


class Ship(Thing):
    __slots__ = ("player", "angle", "safe_until", "loaded_at")

    def __init__(self, player, now):
        super().__init__(random.random() * SIZE, random.random() * SIZE)
        self.id, self.player, self.angle = player.id, player, random.randrange(360)
        self.safe_until, self.loaded_at = now + SHIELD, now

    def steer(self, seconds):
        self.angle = (self.angle + self.player.turn * TURN * seconds) % 360
        push = THRUST * seconds if self.player.thrust else 0
        slower = 1 - DRAG * seconds
        self.vx = self.vx * slower + push * math.cos(math.radians(self.angle))
        self.vy = self.vy * slower + push * math.sin(math.radians(self.angle))
        speed = math.hypot(self.vx, self.vy)
        if speed > FASTEST:
            self.vx, self.vy = self.vx * FASTEST / speed, self.vy * FASTEST / speed

    def record(self, now):
        flags = bool(self.player.thrust) + 2 * (now < self.safe_until)
        return f"s {self.place()} {self.angle:.0f} {self.player.turn} {flags}"


class Player:
    def __init__(self, member):
        self.id, self.name, self.hue = member, "", random.randrange(360)
        self.turn = self.thrust = self.fire = self.score = 0
        self.ship, self.back_at = None, None  # back_at: when there is to be a new ship
        self.rooms = set()  # that the member is in
        self.centre = SIZE / 2, SIZE / 2  # what the member looks at

    def record(self):
        return f"n {self.id} {self.hue} {self.score} {self.name}"


class Scores:
    """The best, in a file that is replaced as a whole, so that it is never half written."""

    def __init__(self, file):
        self.file, self.best = file, []
        if file and os.path.exists(file):
            with open(file, encoding="utf-8") as lines:
                rows = [line.rstrip("\n").partition(" ") for line in lines]
            self.best = [(int(score), name) for score, _, name in rows if score.isdecimal()]
            self.best.sort(key=lambda row: -row[0])

    def note(self, name, score):
        """Whether it is one of the best; each name has but one."""
        old = next((row for row in self.best if row[1] == name), (0, name))
        if score <= old[0] or (len(self.best) >= BEST and score <= self.best[-1][0]):
            return False
        rows = [row for row in self.best if row != old] + [(score, name)]
        self.best = sorted(rows, key=lambda row: -row[0])[:BEST]
        self.save()
        return True

    def save(self):
        if not self.file:
            return
        try:
            with open(self.file + ".new", "w", encoding="utf-8") as file:
                file.writelines(f"{score} {name}\n" for score, name in self.best)
            os.replace(self.file + ".new", self.file)
        except OSError as error:
            print(f"asteroids.py: the scores are not saved: {error}", file=sys.stderr, flush=True)

    def records(self):
        return ["h", *(f"h {score} {name}" for score, name in self.best)]


class Game:
    def __init__(self, scores):
        self.scores = scores
        self.players, self.shots = {}, []
        self.rocks = [Rock(random.random() * SIZE, random.random() * SIZE, 3) for _ in range(ROCKS)]
        self.now = self.radar_at = clock()
        self.news = []  # for all
        self.bursts = []  # where, and its record, for who sees it
        self.out = []  # lines of this tick

    # ---------------------------------------------------------------- what happens

    def tick(self):
        then, self.now = self.now, clock()
        # After a long silence of the machine the game goes on where it was.
        seconds = min(self.now - then, 0.25) / STEPS
        for player in self.players.values():
            if player.back_at and self.now >= player.back_at:
                player.ship, player.back_at = Ship(player, self.now), None
        for _ in range(STEPS):
            self.step(seconds)
        while sum(rock.size == 3 for rock in self.rocks) + len(self.rocks) / 6 < ROCKS:
            self.rocks.append(self.far_rock())
        self.tell()

    def far_rock(self):
        ships = [player.ship for player in self.players.values() if player.ship]
        rocks = [Rock(random.random() * SIZE, random.random() * SIZE, 3) for _ in range(5)]
        return next((rock for rock in rocks if not any(near(rock, ship, 700) for ship in ships)), rocks[0])

    def step(self, seconds):
        for rock in self.rocks:
            rock.fly(seconds)
        for player in self.players.values():
            if ship := player.ship:
                ship.steer(seconds)
                ship.fly(seconds)
                if player.fire and self.now >= ship.loaded_at:
                    ship.loaded_at, ship.safe_until = self.now + RELOAD, 0
                    self.shots.append(Shot(ship, self.now))
        self.shots = [shot for shot in self.shots if shot.until > self.now]
        for shot in self.shots:
            shot.fly(seconds)
        self.hit()

    def hit(self):
        """What touches what. Only the sectors around are looked at, or each shot would be compared with each rock."""
        rocks = in_sectors(self.rocks)
        ships = in_sectors(player.ship for player in self.players.values() if player.ship)
        for shot in self.shots:
            if rock := first_near(shot, rocks, lambda rock: RADIUS[rock.size] + 3):
                rocks[sector(rock.x, rock.y)].remove(rock)
                self.burst(rock)
                self.score(shot.player, POINTS[rock.size])
            elif ship := first_near(shot, ships, lambda ship: SHIP_RADIUS + 3, shot.player.ship):
                if self.now >= ship.safe_until:
                    ships[sector(ship.x, ship.y)].remove(ship)
                    self.lose(ship.player, shot.player.id)
                    self.score(shot.player, SHIP_POINTS)
            else:
                continue
            shot.until = 0
        for ship in [ship for group in ships.values() for ship in group if self.now >= ship.safe_until]:
            if rock := first_near(ship, rocks, lambda rock: RADIUS[rock.size] + SHIP_RADIUS):
                rocks[sector(rock.x, rock.y)].remove(rock)
                self.burst(rock)
                self.lose(ship.player, "0")

    def burst(self, rock):
        self.rocks.remove(rock)
        self.bursts.append((rock, f"x {rock.id} {rock.x:.0f} {rock.y:.0f} {rock.size}"))
        if rock.size > 1:
            self.rocks += [Rock(rock.x, rock.y, rock.size - 1) for _ in range(2)]

    def score(self, player, points):
        if player.id in self.players:
            player.score += points
            self.news.append(player.record())

    def lose(self, player, by):
        """The ship bursts, and with it ends the score."""
        ship, player.ship, player.back_at = player.ship, None, self.now + AWAY
        self.bursts.append((ship, f"x {ship.id} {ship.x:.0f} {ship.y:.0f} 2"))
        self.news.append(f"g {player.id} {by}")
        self.end_run(player)
        self.news.append(player.record())

    def end_run(self, player):
        if player.score and self.scores.note(player.name, player.score):
            self.news += self.scores.records()
        player.score = 0

    # ---------------------------------------------------------------- what is told

    def tell(self):
        milliseconds = int(self.now * 1000)
        watched = set()
        for player in self.players.values():
            self.look(player)
            watched |= player.rooms
        records = {place: [] for place in watched}
        ships = [player.ship for player in self.players.values() if player.ship]
        for thing in [*self.rocks, *self.shots, *ships]:
            place = sector(thing.x, thing.y)
            if place in records:
                records[place].append(thing.record(self.now))
        for thing, record in self.bursts:
            if (place := sector(thing.x, thing.y)) in records:
                records[place].append(record)
        for (column, row), told in records.items():
            # An empty one too: it says that there is nothing any more.
            self.out.append(f"#{column}-{row}\t{milliseconds} {'|'.join(told)}\n")
        if self.now >= self.radar_at:
            self.radar_at += 1
            self.news.append("m " + " ".join(f"{ship.id} {ship.x:.0f} {ship.y:.0f}" for ship in ships))
        if self.news:
            self.out.append(f"*\t{milliseconds} {'|'.join(self.news)}\n")
        self.bursts.clear()
        self.news.clear()
        self.flush()

    def look(self, player):
        """Puts a member into the four rooms around what it looks at."""
        if player.ship:
            player.centre = player.ship.x, player.ship.y
        left, top = (value - SECTOR / 2 for value in player.centre)
        rooms = {sector(left + dx, top + dy) for dx in (0, SECTOR) for dy in (0, SECTOR)}
        self.out += [f"+{player.id}\t#{column}-{row}\n" for column, row in rooms - player.rooms]
        self.out += [f"!{player.id}\t#{column}-{row}\n" for column, row in player.rooms - rooms]
        player.rooms = rooms

    def flush(self):
        # All at once: then a member gets all that it is to be told of a tick together.
        sys.stdout.write("".join(self.out))
        sys.stdout.flush()
        self.out.clear()

    # ---------------------------------------------------------------- members

    def welcome(self, member):
        player = self.players[member] = Player(member)
        records = [f"w {SIZE} {SECTOR}", f"y {member}", *self.scores.records()]
        records += [other.record() for other in self.players.values() if other.name]
        self.out.append(f"{member}\t{int(clock() * 1000)} {'|'.join(records)}\n")
        self.look(player)
        self.flush()

    def leave(self, member):
        player = self.players.pop(member, None)
        if player and player.name:
            self.end_run(player)
            self.news.append(f"g {member} -")

    def hear(self, member, text):
        player = self.players.get(member)
        word, _, rest = text.partition(" ")
        if not player:
            return
        if word == "play" and not player.name:
            player.name = rest.replace("|", "")[:16].strip() or "somebody"  # a record is over at a bar
            player.back_at = clock()
            self.news.append(player.record())
        elif word == "keys" and (keys := rest.split()) and len(keys) == 3 and keys[0] in ("-1", "0", "1"):
            player.turn, player.thrust, player.fire = int(keys[0]), keys[1] == "1", keys[2] == "1"


def in_sectors(things):
    groups = {}
    for thing in things:
        groups.setdefault(sector(thing.x, thing.y), []).append(thing)
    return groups


def first_near(thing, groups, reach, but=None):
    """The first in the sectors that a circle of 100 around it touches, which is closer than it reaches."""
    for place in {sector(thing.x + dx, thing.y + dy) for dx in (-100, 100) for dy in (-100, 100)}:
        for other in groups.get(place, ()):
            if other is not but and near(thing, other, reach(other)):
                return other
    return None


def main():
    try:
        game = Game(Scores(sys.argv[1] if len(sys.argv) > 1 else None))
    except (OSError, ValueError) as error:
        sys.exit(f"asteroids.py: the scores cannot be read: {error}")
    for line in sys.stdin:
        who, _, text = line.rstrip("\n").partition("\t")
        if who == ".":
            game.tick()
        elif who.startswith("+"):
            game.welcome(who[1:])
        elif who.startswith("-"):
            game.leave(who[1:])
        else:
            game.hear(who, text)
    for player in game.players.values():
        game.end_run(player)


main()
