"""Firing: 100,000 schedules that are due in one second, by two schedulers, against the bare claim in psql."""

import concurrent.futures
import contextlib
import time

from . import fleet
from .report import in_turns, say
from .stack import Sample

WORKSPACES = 10_000
SCHEDULES = 100_000
INSTANCES = 2
# Seconds from when they are written to when they are due: whoever fires has nothing else to do then.
LEAD = 6


def _reset(stack, due: str) -> None:
    stack.psql(f"""
        TRUNCATE a2a_queue, structure_events, event_outbox, activity_logs, workspace_schedules;
        INSERT INTO workspace_schedules (workspace_id, name, cron_expr, prompt, next_run_at)
        SELECT {fleet.SQL_ID.format(number=f"(i % {WORKSPACES})::text")}, 'schedule ' || i, '0 0 1 1 *',
            'Summarise what happened since yesterday, in three sentences.', {due} FROM generate_series(1, {SCHEDULES}) i;
        VACUUM ANALYZE workspace_schedules;
        CHECKPOINT;
        """)


_UNTIL_FIRED = f"""
DO $$
DECLARE deadline timestamptz := clock_timestamp() + interval '2 minutes';
BEGIN
  WHILE EXISTS (SELECT FROM workspace_schedules WHERE enabled AND next_run_at <= now() + interval '1 hour') LOOP
    IF clock_timestamp() > deadline THEN RAISE 'not all schedules were fired'; END IF;
    COMMIT;
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$
"""


def _fired(stack, parties: dict[str, int]) -> Sample:
    """The time from when they were due to the last message in the queue, by the database's clock."""
    _reset(stack, f"date_trunc('second', now()) + interval '{LEAD + 30} seconds'")
    # Filling takes a while of its own: only now is it said when they are due.
    stack.psql(f"UPDATE workspace_schedules SET next_run_at = date_trunc('second', now()) + interval '{LEAD} seconds'")
    stack.psql("VACUUM ANALYZE workspace_schedules; CHECKPOINT")
    due = stack.psql("SELECT min(next_run_at) FROM workspace_schedules")

    def work():
        stack.psql(_UNTIL_FIRED)
        seconds = float(stack.psql(f"SELECT extract(epoch FROM max(enqueued_at) - '{due}') FROM a2a_queue"))
        fired = int(stack.psql("SELECT count(DISTINCT schedule_id) FROM a2a_queue"))
        if fired != SCHEDULES:
            raise SystemExit(f"{fired} of {SCHEDULES} schedules were fired")
        return Sample(SCHEDULES / seconds, p50=seconds * 1000), SCHEDULES

    return stack.measure(parties, work)


_CLAIM = """
SET enable_seqscan = off;
DO $$
DECLARE claimed int := 1;
BEGIN
  WHILE claimed > 0 LOOP
    WITH due AS MATERIALIZED (
      SELECT s.id FROM workspace_schedules s WHERE s.enabled AND s.next_run_at <= now()
      ORDER BY s.next_run_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
    UPDATE workspace_schedules s SET next_run_at = now() + interval '1 day' FROM due WHERE s.id = due.id;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    COMMIT;
  END LOOP;
END $$
"""


def _claimed(stack) -> Sample:
    """What the claim alone costs: the same rows moved on by as many sessions, and nothing else."""
    _reset(stack, "now()")

    def work():
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(INSTANCES) as sessions:
            list(sessions.map(lambda _: stack.psql(_CLAIM), range(INSTANCES)))
        seconds = time.monotonic() - began
        return Sample(SCHEDULES / seconds, p50=seconds * 1000), SCHEDULES

    return stack.measure({}, work)


def run(stack, report) -> None:
    say("schedules")
    fleet.create(stack, WORKSPACES)
    ours, theirs = f"{INSTANCES} schedulers: claim, message, event", f"the claim alone, {INSTANCES} psql sessions"
    with contextlib.ExitStack() as running:
        services = [running.enter_context(stack.service("scheduler")) for _ in range(INSTANCES)]
        parties = {f"scheduler {number + 1}": service.pid for number, service in enumerate(services)}

        samples = in_turns(stack.rounds, {ours: lambda: _fired(stack, parties), theirs: lambda: _claimed(stack)})
    report.table(
        f"Firing {SCHEDULES:,} schedules of {WORKSPACES:,} workspaces that are due in one second; p50 is the time of all of "
        "them (aim: under 5,000 ms)", samples, {ours: (theirs, "")}, [*parties, "postgres", "rabbitmq", "redis"])
