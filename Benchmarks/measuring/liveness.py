"""The liveness pass over 100 000 workspaces against its statement in psql, and what heartbeats feel of it."""

import re
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

from . import fleet
from .report import in_turns, say

WORKSPACES = 100_000
BEATING = 10_000
CONNECTIONS = 64
# What as many agents send, one every thirty seconds each; and as much as is answered.
RATES = (WORKSPACES // 30, 0)
# When a sweeper starts, all of its passes run at once, and some not again for minutes.
SETTLING_SECONDS = 12
PASSES = 4
EXECUTIONS = 6
STORE = Path(__file__).parents[2] / "Services/Sweeper/Store/LivenessStore.swift"


def _statement() -> str:
    """The very statement of the pass."""
    found = re.search(r'"liveness_observe",\s*"""\n(.*?)"""', STORE.read_text(), re.DOTALL)
    return found[1]


def _refresh(stack, late: int) -> None:
    """Everybody was heard of a moment ago, but for the first `late`, who are not silent yet."""
    stack.psql(f"""
        UPDATE workspaces SET status_changed_at = now() - interval '1 hour' WHERE status_changed_at > now() - interval '1 hour';
        UPDATE workspace_vitals SET last_heartbeat_at = now(), last_seen_at = now();
        UPDATE workspace_vitals v SET last_heartbeat_at = now() - interval '100 s', last_seen_at = NULL
        FROM generate_series(0, {late - 1}) i WHERE v.workspace_id = {fleet.SQL_ID.format(number="i")};
        VACUUM ANALYZE workspace_vitals, workspaces;
        """)


def _bare(stack) -> list[float]:
    """Milliseconds of each execution as psql measures them, planned as the service's connections plan."""
    # The first executions have not seen the pages yet. A second apart: a pass does not find the processor's caches full of
    # the one before it, either.
    runs = "EXECUTE pass (180, false, 90);\n\\! sleep 1\n" * (EXECUTIONS + 3)
    script = f"SET plan_cache_mode = force_generic_plan;\nPREPARE pass (float8, bool, float8) AS {_statement()};\n" \
        f"\\timing on\n{runs}"
    done = subprocess.run(
        [str(stack.postgres_bin / "psql"), stack.database_url, "-AtqX", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=script, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"psql: {done.stderr.strip()}")
    return [float(time) for time in re.findall(r"^Time: ([0-9.]+) ms", done.stdout, re.MULTILINE)][3:]


def _passes(sweeper) -> tuple[float, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{sweeper.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    total = re.search(r'^switchyard_sweep_duration_seconds_sum\{pass="liveness"\} (\S+)', text, re.MULTILINE)
    count = re.search(r'^switchyard_sweep_duration_seconds_count\{pass="liveness"\} (\S+)', text, re.MULTILINE)
    return (float(total[1]) * 1000, int(float(count[1]))) if total and count else (0.0, 0)


def _whole(sweeper) -> float:
    """Milliseconds of a pass, the mean of the next few."""
    total, count = _passes(sweeper)
    while True:
        time.sleep(0.5)
        later, passes = _passes(sweeper)
        if passes >= count + PASSES:
            return (later - total) / (passes - count)


def _times(stack, late: int) -> tuple[list[float], list[float]]:
    bare, whole = [], []
    with stack.service("sweeper") as sweeper:
        for number in range(stack.rounds):
            _refresh(stack, late)
            bare.append(statistics.median(_bare(stack)))
            whole.append(_whole(sweeper))
            say(f"  {number + 1}/{stack.rounds} {late:,} late: psql {bare[-1]:.1f} ms, pass {whole[-1]:.1f} ms")
    return bare, whole


def _row(name: str, bare: list[float], whole: list[float]) -> list[str]:
    psql, service = statistics.median(bare), statistics.median(whole)
    return [
        name, f"{psql:.1f} ({min(bare):.1f} to {max(bare):.1f})",
        f"{service:.1f} ({min(whole):.1f} to {max(whole):.1f})", f"**{service / psql:.2f}**", "at most 1.3"]


def run(stack, report) -> None:
    say("liveness")
    fleet.create(stack, WORKSPACES, url="http://192.0.2.1:8000")
    rows = [
        _row("all beat", *_times(stack, 0)),
        _row("a tenth is late", *_times(stack, WORKSPACES // 10)),
    ]
    report.rows(
        f"The liveness pass over {WORKSPACES:,} workspaces", ["fleet", "psql, ms", "the pass, ms", "ratio", "aim"], rows)

    requests = fleet.write_requests(
        stack.folder / "liveness.bin", [fleet.heartbeat(number) for number in range(BEATING)])
    with stack.service("registry") as registry:
        def beats(rate: int):
            _refresh(stack, 0)
            return stack.load(registry.port, requests, CONNECTIONS, {"registry": registry.pid}, rate=rate)

        def beside_passes(rate: int):
            with stack.service("sweeper"):
                time.sleep(SETTLING_SECONDS)
                return beats(rate)

        stack.load(registry.port, requests, CONNECTIONS, {"registry": registry.pid}, seconds=3, warmup=0)
        contenders, comparisons = {}, {}
        for rate in RATES:
            pace = f"{rate:,} heartbeats a second" if rate else "as many heartbeats as are answered"
            alone, beside = f"{pace}, no sweeper", f"{pace}, beside the sweeper's passes"
            contenders[alone] = lambda rate=rate: beats(rate)
            contenders[beside] = lambda rate=rate: beside_passes(rate)
            comparisons[beside] = (alone, "p99 within 5 %")
        samples = in_turns(stack.rounds, contenders)
    report.table(
        f"Heartbeats in a table of {WORKSPACES:,}, {CONNECTIONS} connections", samples, comparisons,
        ["registry", "postgres"])
