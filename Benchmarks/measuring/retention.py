"""Heartbeats while a sweeper prunes a large backlog, against the same with a sweeper that keeps everything."""

from . import fleet
from .report import in_turns, say

AGENTS = 10_000
CONNECTIONS = 64
# What 100,000 agents send, one every thirty seconds each; and as much as is answered.
RATES = (3_333, 0)
# Of each of three tables: more than is pruned while it is measured.
BACKLOG = 1_000_000
SETTINGS = (
    "EVENTS", "ACTIVITY", "SCHEDULE_HISTORY", "QUEUE_ITEMS", "DELEGATIONS", "IDEMPOTENT_SENDS", "LIFECYCLE_JOBS",
    "DEAD_MESSAGES", "CONSOLE_SESSIONS", "REVOKED_TOKENS", "ORPHAN_SIGHTINGS", "SUBSYSTEM_TICKS", "REDIS_LIVENESS")


def _fill(stack) -> None:
    """Rows of the length that they have in use, two months old. A second apart, of a thousand workspaces in turn."""
    at = "now() - interval '60 days' + n * interval '1 second'"
    stack.psql(f"""
        ALTER TABLE structure_events DISABLE TRIGGER structure_events_unpublished;
        INSERT INTO structure_events (type, workspace_id, source, data, created_at)
        SELECT 'a2a.completed', md5((n % 1000)::text)::uuid, 'switchyard/bench',
            json_build_object('queue_id', gen_random_uuid(), 'attempts', 1), {at} FROM generate_series(1, {BACKLOG}) n;
        ALTER TABLE structure_events ENABLE TRIGGER structure_events_unpublished;
        INSERT INTO activity_logs (workspace_id, activity_type, method, request_body, response_body, created_at)
        SELECT md5((n % 1000)::text)::uuid, 'a2a_receive', 'message/send', json_build_object('text', repeat('x', 500)),
            json_build_object('text', repeat('y', 200)), {at} FROM generate_series(1, {BACKLOG}) n;
        INSERT INTO a2a_queue (workspace_id, body, response, status, enqueued_at, completed_at)
        SELECT md5((n % 1000)::text)::uuid, repeat('x', 1000), repeat('y', 500), 'completed', {at}, {at}
        FROM generate_series(1, {BACKLOG}) n;
        VACUUM ANALYZE structure_events, activity_logs, a2a_queue;
        CHECKPOINT;
        """)


def _left(stack) -> int:
    return int(stack.psql(f"""
        SELECT (SELECT count(*) FROM structure_events WHERE source = 'switchyard/bench')
            + (SELECT count(*) FROM activity_logs) + (SELECT count(*) FROM a2a_queue)"""))


def run(stack, report) -> None:
    say("retention")
    fleet.create(stack, AGENTS)
    requests = fleet.write_requests(
        stack.folder / "heartbeats.bin", [fleet.heartbeat(number) for number in range(AGENTS)])
    _fill(stack)
    pruned: list[int] = []
    with stack.service("registry") as registry:

        def beats(rate: int, settings: dict[str, str], warmup: float | None = None, seconds: float | None = None):
            with stack.service("sweeper", settings) as sweeper:
                return stack.load(
                    registry.port, requests, CONNECTIONS, {"registry": registry.pid, "sweeper": sweeper.pid},
                    warmup=warmup, seconds=seconds, rate=rate)

        def beside(rate: int):
            before = _left(stack)
            sample = beats(rate, {})
            pruned.append(before - _left(stack))
            return sample

        keeps = {f"RETENTION_{name}": "0" for name in SETTINGS}
        # Fills the cache of tokens: the first beat of an agent costs a query.
        beats(0, keeps, warmup=0, seconds=3)
        contenders, comparisons = {}, {}
        for rate in RATES:
            pace = f"{rate:,} heartbeats a second" if rate else "as many heartbeats as are answered"
            alone, beside_name = f"{pace}, nothing pruned", f"{pace}, beside retention"
            contenders[alone] = lambda rate=rate: beats(rate, keeps)
            contenders[beside_name] = lambda rate=rate: beside(rate)
            comparisons[beside_name] = (alone, "p99 within 5 %")
        samples = in_turns(stack.rounds, contenders)
    if not all(pruned) or not _left(stack):
        raise SystemExit(f"retention had nothing to do: {pruned}")
    report.table(
        f"Heartbeats over {CONNECTIONS} connections beside the pruning of {3 * BACKLOG:,} rows", samples, comparisons,
        ["registry", "sweeper", "postgres", "client"])
    report.note(f"Rows pruned while each run of {stack.warmup + stack.seconds:.0f} s lasted: "
                + ", ".join(f"{count:,}" for count in pruned) + ".")
