"""Next slots of cron schedules, against croniter."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from .report import in_turns, say
from .stack import Sample

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
# What people write, from every minute to once in four years. None is due while a clock of these zones is set, where
# croniter does something else on purpose (docs/cron.md).
EXPRESSIONS = [
    "* * * * *", "*/5 * * * *", "*/15 9-17 * * 1-5", "0 * * * *", "30 9 * * *", "30 9 * * 1-5", "0 0 * * 0",
    "0 12 13 * 5", "0 8 1 * *", "15 10 1,15 * *", "0 6 31 * *", "45 23 * 12 *", "0 9 1 1,4,7,10 *", "0 12 29 2 *",
    "5,25,45 7-19 * * *", "0 18 * * MON-FRI",
]
YEAR = 365 * 86_400
START = 1_767_225_600  # 2026-01-01
INSTANTS = 64
PYTHON_PROGRAM = Path(__file__).parent.parent / "Cron" / "croniter_next.py"


def _write_questions(folder: Path) -> list[str]:
    schedules, instants = folder / "schedules", folder / "instants"
    schedules.write_text("".join(f"{text}\t{zone}\n" for text in EXPRESSIONS for zone in ZONES))
    chosen = random.Random(1)
    instants.write_text("".join(f"{START + chosen.randrange(YEAR)}\n" for _ in range(INSTANTS)))
    return [str(schedules), str(instants)]


def run(stack, report) -> None:
    say("cron")
    questions = _write_questions(stack.folder)
    sums: set[int] = set()

    def contender(command: list[str], mode: str):
        def work():
            done = subprocess.run(
                [*command, *questions, mode, str(stack.warmup), str(stack.seconds)], capture_output=True, text=True,
                check=False)
            if done.returncode != 0:
                raise SystemExit(done.stderr.strip())
            result = json.loads(done.stdout)
            sums.add(result["sum"])
            # What was asked before the counted seconds is in the CPU time, and so must be in the units.
            return Sample(result["rate"]), round(result["rate"] * (stack.warmup + stack.seconds))
        return lambda: stack.measure({}, work)

    ours = [str(stack.binaries / "next-slots")]
    theirs = [os.environ.get("SWITCHYARD_PYTHON", sys.executable), str(PYTHON_PROGRAM)]
    names = {"read": "expressions read before", "text": "each expression read again"}
    samples = in_turns(stack.rounds, {
        f"{who}, {name}": contender(command, mode)
        for mode, name in names.items() for who, command in (("next slot", ours), ("croniter", theirs))})
    if len(sums) != 1:
        raise SystemExit("the contenders have different slots")
    report.table(
        f"Next slots of {len(EXPRESSIONS)} cron expressions in {len(ZONES)} zones, the same {INSTANTS} instants of a year",
        samples, {f"next slot, {name}": (f"croniter, {name}", "50") for name in names.values()}, ["client"])
