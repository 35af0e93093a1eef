"""Messages for busy agents, stored and answered 202, against pgbench's insert of a hundred rows."""

import contextlib

from . import fleet, nginx
from .pgbench import Script
from .report import in_turns, say

TARGETS = 1000
# More than are answered in a second: a message that comes again is found, not stored.
MOST_PER_SECOND = 20_000
CONNECTIONS = 128
ROWS = 100


def _insert(stack) -> Script:
    return Script(stack, "insert", f"""\\set number random(1, 1000000000)
INSERT INTO a2a_queue (workspace_id, caller_id, method, body, idempotency_key, waits_for_heartbeat, attempts)
SELECT {fleet.SQL_ID.format(number=f"((:number + i) % {TARGETS})::text")}, gen_random_uuid(), 'message/send',
    repeat('x', 1024), gen_random_uuid()::text, true, 0
FROM generate_series(1, {ROWS}) i;
""", rows=ROWS)


def run(stack, report) -> None:
    say("queue")
    with contextlib.ExitStack() as running:
        agent = running.enter_context(nginx.agent(stack, None))
        fleet.create(stack, TARGETS * 2, url=f"http://127.0.0.1:{agent.port}/busy")
        requests = fleet.write_requests(
            stack.folder / "busy.bin",
            # No two of one sender, target and messageId: each makes a row.
            [fleet.message(TARGETS + number % TARGETS, (number * 7 + number // TARGETS) % TARGETS)
             for number in range(round((stack.warmup + stack.seconds) * MOST_PER_SECOND))])
        service = running.enter_context(stack.service("a2a-proxy", {"A2A_ACTIVITY": "off"}))
        insert = _insert(stack)
        clients, _ = insert.best_clients([1, 2, 4, 8])

        def emptied(work):
            def contender():
                stack.psql("TRUNCATE a2a_queue, structure_events, event_outbox")
                return work()
            return contender

        ours, theirs = f"busy → 202, HTTP, {CONNECTIONS} connections", f"pgbench {ROWS}-row insert, {clients} clients"
        samples = in_turns(stack.rounds, {
            ours: emptied(lambda: stack.load(
                service.port, requests, CONNECTIONS, {"proxy": service.pid, "agent": agent.pid}, expect=202)),
            theirs: emptied(lambda: insert.run(clients)),
        })
    report.table(
        "Messages to busy agents: called, found busy, stored with an event, answered 202", samples,
        {ours: (theirs, "0.6")}, ["proxy", "postgres", "agent", "client", "rabbitmq", "redis"])
