"""Authenticated heartbeats over HTTP, answered after the commit, against what pgbench gets out of the same table."""

from . import fleet
from .pgbench import Script
from .report import in_turns, say

AGENTS = 10_000
BATCH = 500


def _one_row(stack) -> Script:
    return Script(stack, "one-row", f"""\\set number random(0, {AGENTS - 1})
UPDATE workspace_vitals SET last_heartbeat_at = now(), last_seen_at = now(), error_rate = 0, sample_error = '',
    runtime_state = '', uptime_seconds = :number, active_tasks = 0, current_task = ''
WHERE workspace_id = {fleet.SQL_ID.format(number="(:number)::text")};
""")


def _batch(stack) -> Script:
    """Batches that never meet, made beforehand, in the order of ids as the registry's are."""
    stack.psql(f"""
        DROP TABLE IF EXISTS bench_batches;
        CREATE TABLE bench_batches (number int PRIMARY KEY, ids uuid[] NOT NULL);
        INSERT INTO bench_batches
        SELECT i % {AGENTS // BATCH}, array_agg(id ORDER BY id)
        FROM generate_series(0, {AGENTS - 1}) i, LATERAL (SELECT {fleet.SQL_ID.format(number="i")} AS id) made
        GROUP BY 1;
        """)
    return Script(stack, "batch", f"""\\set number random(0, {AGENTS // BATCH - 1})
UPDATE workspace_vitals v SET last_heartbeat_at = now(), last_seen_at = now(), error_rate = 0, sample_error = '',
    runtime_state = '', uptime_seconds = 1, active_tasks = 0, current_task = ''
FROM unnest((SELECT ids FROM bench_batches WHERE number = :number)) AS beat (id)
WHERE v.workspace_id = beat.id;
""", rows=BATCH)


def run(stack, report) -> None:
    say("heartbeats")
    fleet.create(stack, AGENTS)
    requests = fleet.write_requests(
        stack.folder / "heartbeats.bin", [fleet.heartbeat(number) for number in range(AGENTS)])
    one_row, batch = _one_row(stack), _batch(stack)
    with stack.service("registry") as registry:
        parties = {"registry": registry.pid}

        def beats(connections: int, **timing):
            return stack.load(registry.port, requests, connections, parties, **timing)

        # Fills the cache of tokens: the first beat of an agent costs a query.
        beats(64, seconds=3, warmup=0)
        tried = {count: beats(count, seconds=3, warmup=0.5).rate for count in (64, 128, 256)}
        connections = max(tried, key=tried.get)
        clients, one_row_tried = one_row.best_clients([8, 16, 32, 64])
        batch_clients, batch_tried = batch.best_clients([1, 2, 4, 8])
        ours = f"heartbeats, HTTP, {connections} connections"
        single = f"pgbench one-row update, {clients} clients"
        many = f"pgbench {BATCH}-row update, {batch_clients} clients"
        samples = in_turns(stack.rounds, {
            ours: lambda: beats(connections),
            single: lambda: one_row.run(clients),
            many: lambda: batch.run(batch_clients),
        })
    samples["the same heartbeats as rows made durable"] = samples[ours]
    report.table(
        f"Heartbeats of {AGENTS:,} agents", samples,
        {
            ours: (single, "2, p99 under 50 ms"),
            "the same heartbeats as rows made durable": (many, "0.8"),
        }, ["registry", "postgres", "rabbitmq", "redis", "client"])
    report.note(
        "Rates in short runs, by connections or clients: "
        + "; ".join(
            f"{name} {', '.join(f'{count}: {rate:,.0f}' for count, rate in rates.items())}"
            for name, rates in (("HTTP", tried), ("one row", one_row_tried), ("500 rows", batch_tried)))
        + ". pgbench's p50 is its mean.")
