"""What others make of cron expressions and time zones, for comparison.

Arguments: "next" or "offsets", and two files. The first has a line for each thing to look up, of fields between tabs, the
last of which are instants in seconds since 1970; the second gets a line of answers for each, between tabs.

    next      expression, zone, instants...   croniter's next time after each instant, or the error's name after a "!"
    offsets   zone, instants...               what the zone's clock shows at each instant, less UTC, in seconds
"""

import datetime
import multiprocessing
import sys
from zoneinfo import ZoneInfo

from croniter import croniter


def next_times(line: str) -> str:
    expression, zone, *instants = line.split("\t")
    starts = [datetime.datetime.fromtimestamp(int(instant), ZoneInfo(zone)) for instant in instants]
    try:
        # With the option, a day field that begins with * restricts nothing when the other one is restricted, as in cron.
        schedule = croniter(expression, starts[0], implement_cron_bug=True)
    except Exception as error:  # Any error is croniter's result.
        return "\t".join([f"!{type(error).__name__}"] * len(starts))
    answers = []
    for start in starts:
        try:
            answers.append(f"{schedule.get_next(float, start_time=start):.0f}")
        except Exception as error:
            answers.append(f"!{type(error).__name__}")
    return "\t".join(answers)


def offsets(line: str) -> str:
    zone, *instants = line.split("\t")
    known = ZoneInfo(zone)
    return "\t".join(
        f"{datetime.datetime.fromtimestamp(int(instant), known).utcoffset().total_seconds():.0f}" for instant in instants)


def main() -> None:
    work = {"next": next_times, "offsets": offsets}[sys.argv[1]]
    with open(sys.argv[2], encoding="utf-8") as questions:
        lines = questions.read().splitlines()
    with multiprocessing.Pool() as pool, open(sys.argv[3], "w", encoding="utf-8") as answers:
        for answer in pool.imap(work, lines, chunksize=32):
            print(answer, file=answers)


if __name__ == "__main__":
    main()
