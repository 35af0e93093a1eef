"""What ./dev bench has started, and how services are started on it."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Server, machine_cpu, pinned, tree_cpu


@dataclass
class Sample:
    """One run of one contender. Latencies in milliseconds."""

    rate: float
    p50: float | None = None
    p99: float | None = None
    errors: int = 0
    # Microseconds of CPU for each unit of work, by who spent them.
    cpu: dict[str, float] = field(default_factory=dict)
    # Cores that processes of others had meanwhile.
    others: float = 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Stack:
    """The private stores and the folder for files and logs, as the environment names them."""

    def __init__(self, options):
        self.rounds, self.seconds, self.warmup = options.rounds, options.seconds, options.warmup
        self.binaries = Path(os.environ["BINARIES"])
        self.postgres_bin = Path(os.environ["POSTGRES_BIN"])
        self.nginx = os.environ["NGINX"]
        self.folder = Path(os.environ["BENCH_FOLDER"])
        self.logs = Path(os.environ["BENCH_LOGS"])
        self.database_url = os.environ["DATABASE_URL"]
        self.store_pids = {name: int(os.environ[f"{name.upper()}_PID"]) for name in ("postgres", "rabbitmq", "redis")}
        self.admin_token = "bench-admin-token"
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_) -> None:
        self._exits.close()

    # The database

    def psql(self, sql: str) -> str:
        """Runs statements, each in a transaction of its own; the result as bare text."""
        done = subprocess.run(
            [str(self.postgres_bin / "psql"), self.database_url, "-AtqX", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=sql, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    # Services

    def service(self, name: str, settings: dict[str, str] | None = None, cores: str | None = None) -> "Service":
        return Service(self, name, settings or {}, cores)

    # Measuring

    def measure(self, parties: dict[str, int], work) -> Sample:
        """Runs `work`, which returns a Sample and the units of work done, and notes who spent how much CPU on it.

        `parties` are process ids by name; the client is a child of this process and counted as one.
        """
        pids = {**self.store_pids, **parties}
        before = {name: tree_cpu(pid) for name, pid in pids.items()}
        client, machine, began = _children_cpu(), machine_cpu(), time.monotonic()
        sample, units = work()
        spent = {name: tree_cpu(pid) - before[name] for name, pid in pids.items()}
        spent["client"] = _children_cpu() - client
        elapsed = time.monotonic() - began
        sample.others = max(0.0, (machine_cpu() - machine - sum(spent.values())) / elapsed)
        sample.cpu = {name: seconds * 1e6 / max(1, units) for name, seconds in spent.items()}
        return sample

    def load(self, port: int, requests: Path, connections: int, parties: dict[str, int], *, expect: int = 200,
             cores: str | None = None, seconds: float | None = None, warmup: float | None = None,
             rate: int = 0) -> Sample:
        """Our load generator, one thread: each connection has one request in flight, at `rate` a second or at once."""
        command = pinned(
            [str(self.binaries / "load"), "--port", str(port), "--requests", str(requests), "--connections",
             str(connections), "--threads", "1", "--warmup", str(self.warmup if warmup is None else warmup),
             "--seconds", str(seconds or self.seconds), "--expect", str(expect), "--rate", str(rate)],
            cores)

        def work():
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not done.stdout:
                raise SystemExit(done.stderr.strip())
            result = json.loads(done.stdout)
            if result["unexpected"] > result["total"] / 100:
                raise SystemExit(f"answers were not {expect}: {result['statuses']}")
            sample = Sample(result["rate"], result["p50"], result["p99"], result["unexpected"] + result["failures"])
            return sample, result["total"]

        return self.measure(parties, work)


class Service(Server):
    """One of the five services, listening on a port of its own."""

    def __init__(self, stack: Stack, name: str, settings: dict[str, str], cores: str | None):
        self.port = free_port()
        super().__init__(
            name, pinned([str(stack.binaries / name)], cores), stack.logs / f"{name}.log",
            {
                "PORT": str(self.port), "MOLECULE_ENV": "development", "ADMIN_TOKEN": stack.admin_token,
                # The limiter works, and nobody reaches the limit.
                "RATE_LIMIT": "10000000", "LOG_LEVEL": "info", **settings,
            })
        self.wait_for(f"http://127.0.0.1:{self.port}/ready")
