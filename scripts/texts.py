"""Looks at the project's files, whose names come one a line on standard input.

    texts.py check    reports blanks at line ends, carriage returns, conflict markers, missing last newlines
    texts.py shell    prints those that are bash, whole programs or parts of one
"""

import os
import re
import sys

STRAY = re.compile(rb"[ \t\r]$|^(<<<<<<<|>>>>>>>) ", re.M)
SHELL = re.compile(rb"#!.*\bbash\b|# shellcheck shell=bash")
# What a fuzzer feeds is bytes, whatever they look like.
CORPUS = re.compile(r"Fuzz/\w+/corpus/")


def texts():
    for name in sys.stdin.read().splitlines():
        if os.path.isfile(name) and not CORPUS.match(name):
            with open(name, "rb") as file:
                data = file.read()
            if data and b"\0" not in data:
                yield name, data


def check() -> int:
    problems = 0
    for name, data in texts():
        if name == "LICENSE":
            continue
        for match in STRAY.finditer(data):
            line = data.count(b"\n", 0, match.start()) + 1
            print(f"{name}:{line}: blank at the end, carriage return or conflict marker")
            problems += 1
        if not data.endswith(b"\n"):
            print(f"{name}: no newline at the end")
            problems += 1
    return 1 if problems else 0


def shell() -> int:
    for name, data in texts():
        if SHELL.match(data):
            print(name)
    return 0


if __name__ == "__main__":
    sys.exit({"check": check, "shell": shell}[sys.argv[1]]())
