"""The same work as main.swift beside it, by croniter; arguments and output are the same."""

import datetime
import json
import sys
import time
from zoneinfo import ZoneInfo

from croniter import croniter


def main() -> None:
    schedules_path, instants_path, mode, warmup, seconds = sys.argv[1:]
    with open(schedules_path, encoding="utf-8") as lines:
        entries = [(text, ZoneInfo(zone)) for text, zone in (line.rstrip("\n").split("\t") for line in lines)]
    with open(instants_path, encoding="utf-8") as lines:
        instants = [int(line) for line in lines]
    start = datetime.datetime.now(datetime.timezone.utc)
    read = [croniter(text, start.astimezone(zone)) for text, zone in entries]

    def round_of(instant: int) -> float:
        total = 0.0
        for (text, zone), schedule in zip(entries, read):
            after = datetime.datetime.fromtimestamp(instant, zone)
            if mode == "text":
                total += croniter(text, after).get_next(float)
            else:
                total += schedule.get_next(float, start_time=after)
        return total

    def run(limit: float) -> tuple[int, float]:
        began, count, index = time.monotonic(), 0, 0
        while True:
            round_of(instants[index])
            count += len(entries)
            index = (index + 1) % len(instants)
            spent = time.monotonic() - began
            if spent >= limit:
                return count, spent

    total = sum(map(round_of, instants))
    run(float(warmup))
    count, spent = run(float(seconds))
    print(json.dumps({"count": count, "rate": count / spent, "sum": round(total)}))


if __name__ == "__main__":
    main()
