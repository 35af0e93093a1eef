"""pgbench on the same server and tables: what the store alone can do."""

import re
import subprocess
from pathlib import Path

from .stack import Sample


class Script:
    """Statements for pgbench, one transaction a run."""

    def __init__(self, stack, name: str, text: str, rows: int = 1):
        self._stack, self.name, self.rows = stack, name, rows
        self._file: Path = stack.folder / f"{name}.sql"
        self._file.write_text(text)

    def run(self, clients: int, seconds: float | None = None) -> Sample:
        """Rows a second, with prepared statements. The latency is the mean, pgbench has no percentiles."""
        stack = self._stack
        whole = max(1, round(seconds or stack.seconds))
        command = [
            str(stack.postgres_bin / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j",
            str(min(2, clients)), "-T", str(whole), "-f", str(self._file), stack.database_url,
        ]

        def work():
            # As the services' connections: arrays are planned as loops over an index, not by their guessed length.
            done = subprocess.run(
                ["env", "PGOPTIONS=-c plan_cache_mode=force_generic_plan", *command], capture_output=True, text=True,
                check=False)
            rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
            count = re.search(r"transactions actually processed: ([0-9]+)", done.stdout)
            failed = re.search(r"number of failed transactions: ([0-9]+)", done.stdout)
            if done.returncode != 0 or not rate or not count:
                raise SystemExit(f"pgbench {self.name}: {done.stderr.strip()}")
            mean = float(re.search(r"latency average = ([0-9.]+)", done.stdout)[1])
            sample = Sample(float(rate[1]) * self.rows, p50=mean, errors=int(failed[1]) if failed else 0)
            return sample, int(count[1]) * self.rows

        return stack.measure({}, work)

    def best_clients(self, counts: list[int]) -> tuple[int, dict[int, float]]:
        """The count of clients that gets the most done in a short run, and what each got."""
        self.run(counts[0], 2)
        rates = {clients: self.run(clients, 3).rate for clients in counts}
        return max(rates, key=rates.get), rates
