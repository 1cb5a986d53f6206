#!/usr/bin/env python3
"""A quiz with a clock: wsd --share=tagged --tick=1000 ./quiz.py. Of each row in questions.tsv the first answer is right."""
import json
import random
import sys
from pathlib import Path

ROWS = [line.split("\t") for line in Path(__file__).with_name("questions.tsv").read_text().splitlines()]
players = {}  # by ID
state = {"question": "", "answers": [], "right": "", "clock": -4}
for line in sys.stdin:
    who, _, text = line.rstrip("\n").partition("\t")
    if who == ".":
        state["clock"] -= 1
        if state["clock"] < -4:  # 15 s to answer, 4 s to see what was right
            question, right, *wrong = random.choice(ROWS)
            state = {"question": question, "answers": random.sample([right, *wrong], len(wrong) + 1), "right": "", "clock": 15}
        for player in players.values() if state["clock"] in (15, 0) else ():
            player["points"] += 10 * (state["clock"] == 0 and player.pop("said", "") == right)
        state["right"] = right if state["clock"] <= 0 and state["question"] else ""
        table = sorted(([player["name"], player["points"]] for player in players.values()), key=lambda row: -row[1])
        print("*", json.dumps({**state, "table": table}), sep="\t", flush=True)
    elif who[0] in "+-":
        players.pop(who[1:], None)
        players |= {who[1:]: {"name": "somebody", "points": 0}} if who[0] == "+" else {}
    elif text.startswith("name "):
        players[who]["name"] = text[5:25]
    elif state["clock"] > 0 and text in state["answers"]:
        players[who]["said"] = text
