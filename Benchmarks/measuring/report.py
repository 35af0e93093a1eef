"""The tables that are printed: medians of all runs, their spread, and ratios, losing rows as well."""

import statistics
import sys
from collections.abc import Callable

from .stack import Sample


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def in_turns(rounds: int, contenders: dict[str, Callable[[], Sample]]) -> dict[str, list[Sample]]:
    """A B A B A B: what disturbs the machine for a while disturbs all."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, run in contenders.items():
            sample = run()
            samples[name].append(sample)
            say(f"  {number + 1}/{rounds} {name}: {sample.rate:,.0f}/s"
                f"{f', p50 {sample.p50:.2f} ms' if sample.p50 is not None else ''}, others {sample.others:.1f} cores")
    return samples


def median(samples: list[Sample], value: Callable[[Sample], float | None]) -> float | None:
    values = [found for sample in samples if (found := value(sample)) is not None]
    return statistics.median(values) if values else None


def _cost(runs: list[Sample], parties: list[str]) -> float:
    return sum(median(runs, lambda run, party=party: run.cpu.get(party)) or 0 for party in parties)


class Report:
    def __init__(self):
        self._parts: list[str] = []

    def heading(self, lines: list[str]) -> None:
        self._parts.append("\n".join(lines))

    def note(self, text: str) -> None:
        say(text)
        self._parts.append(text)

    def rows(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """A table without comparisons."""
        lines = [f"### {title}", "", *(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *rows])]
        self._parts.append("\n".join(lines))

    def table(self, title: str, samples: dict[str, list[Sample]], comparisons: dict[str, tuple[str, str]],
              shown: list[str], costed: list[str] | None = None) -> None:
        """`comparisons` names for a row what it is measured against, and the aim; `shown` whose CPU is listed.

        The ratio of CPU, by the parties in `costed` (all), is what is left of a comparison where the machine is shared:
        the rate then says as much about how the scheduler shares it out.
        """
        lines = [
            f"### {title}", "",
            "| what | rate/s, median (least to most) | p50 ms | p99 ms | CPU µs each | errors | others' cores | ratio | ratio by CPU | aim |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for name, runs in samples.items():
            against, aim = comparisons.get(name, ("", ""))
            lines.append(self._row(name, runs, samples.get(against), against, aim, shown, costed or shown))
        self._parts.append("\n".join(lines))

    @staticmethod
    def _row(name: str, runs: list[Sample], against: list[Sample] | None, other: str, aim: str, shown, costed) -> str:
        rates = [run.rate for run in runs]
        middle = statistics.median(rates)
        cpu = ", ".join(
            f"{party} {spent:.1f}" for party in shown
            if (spent := median(runs, lambda run, party=party: run.cpu.get(party))) is not None and spent >= 0.05)
        ratio = f"**{middle / statistics.median([run.rate for run in against]):.2f}** × {other}" if against else ""
        by_cpu = f"{_cost(against, costed) / _cost(runs, costed):.2f}" if against else ""
        p50, p99 = median(runs, lambda run: run.p50), median(runs, lambda run: run.p99)
        cells = [
            name, f"{middle:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
            "" if p50 is None else f"{p50:.2f}", "" if p99 is None else f"{p99:.2f}", cpu,
            str(sum(run.errors for run in runs)), f"{median(runs, lambda run: run.others):.1f}", ratio, by_cpu, aim,
        ]
        return f"| {' | '.join(cells)} |"

    def text(self) -> str:
        return "\n\n".join(self._parts)
