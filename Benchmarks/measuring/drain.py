"""The drain: claim, dispatch and completion against pgbench's claim of fifty; and the first item after a heartbeat."""

import asyncio
import contextlib
import time

from . import fleet, nginx
from .flight import REPLY, Holder
from .pgbench import Script
from .report import in_turns, say
from .stack import Sample, free_port

TARGETS = 1000
ITEMS = 20_000
# More than pgbench claims in a run.
CLAIMABLE = 400_000
CLAIMED = 50
BEATS = 200


def _fill(stack, count: int) -> None:
    """Items of 1 KB for all targets, which have room and nothing else to do."""
    target = fleet.SQL_ID.format(number=f"(i % {TARGETS})::text")
    stack.psql(f"""
        TRUNCATE a2a_queue, structure_events, event_outbox;
        INSERT INTO a2a_queue (workspace_id, body, idempotency_key, enqueued_at)
        SELECT {target}, '{{"jsonrpc":"2.0","id":"1","method":"message/send","params":{{"x":"' || repeat('x', 950) || '"}}}}',
            i::text, now() - interval '1 minute' FROM generate_series(1, {count}) i;
        VACUUM ANALYZE a2a_queue;
        """)


def _claim(stack) -> Script:
    target = fleet.SQL_ID.format(number="(:number)::text")
    return Script(stack, "claim", f"""\\set number random(0, {TARGETS - 1})
WITH picked AS MATERIALIZED (
  SELECT id FROM a2a_queue WHERE workspace_id = {target} AND status = 'queued' AND available_at <= now()
  ORDER BY priority DESC, coalesce(requeued_at, enqueued_at), id LIMIT {CLAIMED} FOR UPDATE SKIP LOCKED)
UPDATE a2a_queue q SET status = 'dispatched', lease_owner = 'bench', lease_until = now() + interval '30 seconds',
  claim_number = q.claim_number + 1, dispatched_at = clock_timestamp()
FROM picked WHERE q.id = picked.id RETURNING q.*;
""", rows=CLAIMED)


# Within one session, that looks things up in the partial indexes: connecting and reading the whole table again and
# again would be a good part of what is measured.
_UNTIL_DRAINED = """
DO $$
DECLARE deadline timestamptz := clock_timestamp() + interval '2 minutes';
BEGIN
  WHILE EXISTS (SELECT FROM a2a_queue WHERE status = 'queued' ORDER BY workspace_id LIMIT 1)
      OR EXISTS (SELECT FROM a2a_queue WHERE status = 'dispatched' ORDER BY workspace_id LIMIT 1) LOOP
    IF clock_timestamp() > deadline THEN RAISE 'the queue was not drained'; END IF;
    COMMIT;
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$
"""


def _drained(stack, parties: dict[str, int]):
    """The time from the first claim to the last completion, by the database's clock."""
    def work():
        stack.psql(_UNTIL_DRAINED)
        seconds = float(stack.psql(
            "SELECT extract(epoch FROM max(completed_at) - min(dispatched_at)) FROM a2a_queue"))
        return Sample(ITEMS / seconds), ITEMS

    _fill(stack, ITEMS)
    return stack.measure(parties, work)


def _claimed(stack, claim: Script, clients: int) -> Sample:
    _fill(stack, CLAIMABLE)
    seconds = max(1, round(stack.seconds / 2))
    sample = claim.run(clients, seconds)
    # A run may come to a target that has less than fifty left.
    sample.rate = int(stack.psql("SELECT count(*) FROM a2a_queue WHERE status = 'dispatched'")) / seconds
    return sample


async def _first_items(stack, registry: int, agent: int) -> list[float]:
    """Milliseconds from a heartbeat's sending to its workspace's only item at the agent, once each."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Holder, "127.0.0.1", agent)
    reader, writer = await asyncio.open_connection("127.0.0.1", registry)
    waits = []
    for number in range(BEATS):
        identifier = fleet.workspace_id(number)
        stack.psql(f"""
            UPDATE workspace_vitals SET last_busy_at = clock_timestamp() WHERE workspace_id = '{identifier}';
            INSERT INTO a2a_queue (workspace_id, body, waits_for_heartbeat)
            VALUES ('{identifier}', '{{"jsonrpc":"2.0","id":1,"method":"message/send","params":{{}}}}', true);
            """)
        began = time.perf_counter()
        # Even numbers report no active task.
        beat = fleet.heartbeat(number).replace(b'"active_tasks":1', b'"active_tasks":0')
        writer.write(beat)
        while not Holder.holding:
            if time.perf_counter() - began > 30:
                raise SystemExit("a heartbeat did not wake the drain")
            await asyncio.sleep(0)
        waits.append((time.perf_counter() - began) * 1000)
        Holder.answer_all()
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(4096)
    writer.close()
    server.close()
    return sorted(waits)


def run(stack, report) -> None:
    say("drain")
    with contextlib.ExitStack() as running:
        agent = running.enter_context(nginx.agent(stack, None))
        fleet.create(stack, TARGETS, url=f"http://127.0.0.1:{agent.port}/")
        stack.psql("UPDATE workspaces SET max_concurrent_tasks = 10")
        claim = _claim(stack)
        best = max((1, 2, 4), key=lambda clients: _claimed(stack, claim, clients).rate)

        def drained() -> Sample:
            with stack.service("a2a-proxy", {"A2A_ACTIVITY": "off"}) as service:
                return _drained(stack, {"proxy": service.pid, "agent": agent.pid})

        ours, theirs = "drain: claim, dispatch, complete", f"pgbench claim of {CLAIMED}, {best} clients"
        samples = in_turns(stack.rounds, {ours: drained, theirs: lambda: _claimed(stack, claim, best)})
    report.table(
        f"Draining {ITEMS:,} messages of 1 KB for {TARGETS:,} agents with room for ten each", samples,
        {ours: (theirs, "0.3")}, ["proxy", "postgres", "agent", "rabbitmq", "redis"])

    agent_port = free_port()
    fleet.create(stack, BEATS, url=f"http://127.0.0.1:{agent_port}/")
    with stack.service("registry") as registry, stack.service("a2a-proxy", {"A2A_ACTIVITY": "off"}):
        waits = asyncio.run(_first_items(stack, registry.port, agent_port))
    report.note(
        f"From a heartbeat's sending to its first item at the agent, {BEATS} times, two processes and the broker between: "
        f"median {waits[len(waits) // 2]:.1f} ms, 99 % under {waits[len(waits) * 99 // 100]:.1f} ms (aim: under 10 ms).")
