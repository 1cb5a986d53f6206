#!/usr/bin/env python3
"""Agar: eat what is smaller, flee what is larger. One program for all players:

    wsd --staticdir=examples/agar --share=tagged --tick=50 examples/agar/agar.py [BOTS [PELLETS]]

A ball moves in a straight line, at constant speed, until its player steers or it grows: so players are told of it only
then, and draw its way on by themselves (dead reckoning). What is said both ways stands at the top of agar.tcl.
"""

import math
import random
import sys
import time

SIZE = 3000  # of the world
CELL = 100  # pellets lie in squares of this size, or each ball would be compared with each pellet
BIRTH = 20  # mass
NAMES = ["Ada", "Grace", "Edsger", "Barbara", "Alan", "Donald"]  # of bots
START = time.monotonic()


def now():
    return int((time.monotonic() - START) * 1000)


def clamp(value):
    return min(max(value, 0), SIZE)


class Ball:
    def __init__(self, name, place):
        self.x, self.y = place
        self.vx = self.vy = 0  # a second
        self.at = now()  # when it was there
        self.mass = BIRTH
        self.wish = 0, 0, False  # where its player wants to go, in percent, and whether in a hurry
        self.hue = random.randrange(360)
        self.name = name.replace("|", "")[:16].strip()  # a record is over at a bar
        self.steer()

    @property
    def radius(self):
        return 6 * math.sqrt(self.mass)

    def distance(self, other):
        return math.hypot(self.x - other.x, self.y - other.y)

    def can_eat(self, other):
        return self.mass > 1.25 * other.mass

    def steer(self):
        """Where it goes from now on; the larger, the slower. Whole numbers, so that players reckon as we do."""
        dx, dy, fast = self.wish
        speed = 420 * self.mass**-0.22 * (1.7 if fast and self.mass > BIRTH else 1)
        length = max(100, math.hypot(dx, dy))
        self.vx, self.vy = round(dx * speed / length), round(dy * speed / length)
        self.is_changed = True

    def grow(self, by):
        self.mass += by
        self.steer()

    def move(self, moment):
        seconds = (moment - self.at) / 1000
        self.x, self.y = clamp(self.x + self.vx * seconds), clamp(self.y + self.vy * seconds)
        self.at = moment

    def aim(self, x, y, fast=False):
        dx, dy = x - self.x, y - self.y
        length = max(1, math.hypot(dx, dy)) / 100
        self.wish = round(dx / length), round(dy / length), fast
        self.steer()


class World:
    def __init__(self, bots, pellets):
        self.bots, self.wanted = bots, pellets
        self.balls = {}  # by a member's ID, or a bot's name
        self.pellets = {}  # where each lies, by its number
        self.squares = {}  # the numbers in each square
        self.number = self.ticks = 0
        self.news = []  # records that all are to be told

    # ---------------------------------------------------------------- pellets

    def put_pellet(self, x, y):
        self.number += 1
        x, y = round(clamp(x)), round(clamp(y))
        self.pellets[self.number] = x, y
        self.squares.setdefault((x // CELL, y // CELL), set()).add(self.number)
        self.news.append(f"f {self.number} {x} {y}")

    def take_pellet(self, number, by):
        x, y = self.pellets.pop(number)
        self.squares[x // CELL, y // CELL].discard(number)
        self.news.append(f"e {number} {by}")

    def pellets_within(self, reach, ball):
        """Those that a circle around a ball covers, the nearest first; only the squares that it touches are looked at."""
        found = []
        for column in range(int(ball.x - reach) // CELL, int(ball.x + reach) // CELL + 1):
            for row in range(int(ball.y - reach) // CELL, int(ball.y + reach) // CELL + 1):
                for number in self.squares.get((column, row), ()):
                    x, y = self.pellets[number]
                    found.append((math.hypot(x - ball.x, y - ball.y), number))
        return [number for gap, number in sorted(found) if gap < reach]

    # ---------------------------------------------------------------- balls

    def come(self, who, name):
        def room(place):
            return min((math.dist(place, (ball.x, ball.y)) for ball in self.balls.values()), default=SIZE)

        if who not in self.balls:
            places = [(random.random() * SIZE, random.random() * SIZE) for _ in range(6)]
            ball = self.balls[who] = Ball(name, max(places, key=room))
            self.news.append(f"n {who} {ball.hue} {ball.name}")

    def go_away(self, who, by="0"):
        if self.balls.pop(who, None):
            self.news.append(f"x {who} {by}")

    def eat(self, who, ball):
        for number in self.pellets_within(ball.radius, ball):
            self.take_pellet(number, who)
            ball.grow(1)
        # Whoever is lighter by a fifth, and mostly covered.
        for prey, other in list(self.balls.items()):
            if ball.can_eat(other) and ball.distance(other) < ball.radius - 0.4 * other.radius:
                self.go_away(prey, who)
                ball.grow(other.mass)

    def lose(self, ball):
        """Who hurries leaves some of itself behind; who is large wastes away."""
        if ball.wish[2] and ball.mass > BIRTH and self.ticks % 3 == 0:
            back = 1.3 * ball.radius / max(1, math.hypot(ball.vx, ball.vy))
            self.put_pellet(ball.x - ball.vx * back, ball.y - ball.vy * back)
            ball.grow(-1)
        elif ball.mass > 100 and self.ticks % 20 == 0:
            ball.grow(-(ball.mass // 200 + 1))

    def think(self, bot):
        """Away from who could eat it, else towards whom it could eat, else to the next pellet, else anywhere."""
        best, goal = 500, (random.random() * SIZE, random.random() * SIZE)
        for number in self.pellets_within(250, bot)[:1]:
            goal = self.pellets[number]
        for other in self.balls.values():
            gap = bot.distance(other) - other.radius
            if gap < 250 and other.can_eat(bot):
                return bot.aim(2 * bot.x - other.x, 2 * bot.y - other.y, gap < 80)
            if gap < best and bot.can_eat(other):
                best, goal = gap, (other.x, other.y)
        bot.aim(*goal)

    def tick(self):
        self.ticks += 1
        moment = now()
        for number in range(1, self.bots + 1):
            bot = self.balls.get(f"bot{number}")
            if not bot and self.ticks % 60 == number % 60:
                self.come(f"bot{number}", NAMES[number % len(NAMES)])
            elif bot and (self.ticks + number) % 6 == 0:
                bot.move(moment)
                self.think(bot)
        for ball in self.balls.values():
            ball.move(moment)
        for who, ball in list(self.balls.items()):
            if who in self.balls:
                self.eat(who, ball)
                self.lose(ball)
        while len(self.pellets) < self.wanted:
            self.put_pellet(random.random() * SIZE, random.random() * SIZE)
        self.tell_news()

    # ---------------------------------------------------------------- what members are told, and say

    def record(self, who, moment):
        """Where a ball is now, in a form that holds until it is steered."""
        ball = self.balls[who]
        ball.move(moment)
        return f"b {who} {ball.x:.1f} {ball.y:.1f} {ball.vx} {ball.vy} {ball.mass}"

    def tell_news(self, to="*"):
        moment = now()
        for who, ball in self.balls.items():
            if ball.is_changed:
                self.news.append(self.record(who, moment))
                ball.is_changed = False
        if self.news:
            print(to, f"{moment} {'|'.join(self.news)}", sep="\t", flush=True)
        self.news.clear()

    def welcome(self, member):
        self.tell_news(f"*!{member}")  # who is told all at once need not be told it twice
        moment = now()
        records = [f"w {SIZE}", f"y {member}"]
        records += [f"f {number} {x} {y}" for number, (x, y) in self.pellets.items()]
        for who, ball in self.balls.items():
            records += [f"n {who} {ball.hue} {ball.name}", self.record(who, moment)]
        print(member, f"{moment} {'|'.join(records)}", sep="\t", flush=True)

    def hear(self, member, text):
        word, _, rest = text.partition(" ")
        if word == "play":
            self.come(member, rest)
        elif word == "go" and member in self.balls:
            try:
                dx, dy, fast = map(int, rest.split())
            except ValueError:
                return
            ball = self.balls[member]
            ball.move(now())
            ball.wish = max(-9999, min(dx, 9999)), max(-9999, min(dy, 9999)), fast > 0
            ball.steer()


def main():
    try:
        bots, pellets = [int(word) for word in sys.argv[1:]] + [6, 450][len(sys.argv) - 1 :]
    except ValueError:
        sys.exit("usage: agar.py [BOTS [PELLETS]]")
    world = World(bots, pellets)
    for line in sys.stdin:
        who, _, text = line.rstrip("\n").partition("\t")
        if who == ".":
            world.tick()
        elif who.startswith("+"):
            world.welcome(who[1:])
        elif who.startswith("-"):
            world.go_away(who[1:])
        else:
            world.hear(who, text)


main()
