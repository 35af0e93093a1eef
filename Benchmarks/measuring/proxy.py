"""A2A messages of 1 KB through the proxy, all checks on, against nginx's proxy_pass to the same agent."""

import contextlib
import os

from . import fleet, nginx
from .report import in_turns, median, say

TARGETS = 100
CALLERS = 1000
CONNECTIONS = 64
# Few enough that each comes again while the caches of tokens and addresses (5 s) remember it, even one at a time.
FEW = 16


def _layout() -> tuple[int, str | None, str | None]:
    """Event loops and workers of a proxy, its core, and the cores of client and agent.

    One loop against one worker, each alone on the first core: what is compared then is the proxies' work, undiluted
    by that of the client and the agent.
    """
    cores = os.cpu_count() or 1
    return (1, "0", f"1-{cores - 1}") if cores > 1 else (1, None, None)


def run(stack, report) -> None:
    say("proxy")
    loops, own, rest = _layout()
    with contextlib.ExitStack() as running:
        agent = running.enter_context(nginx.agent(stack, rest))
        fleet.create(stack, CALLERS + TARGETS, url=f"http://127.0.0.1:{agent.port}/")
        requests = fleet.write_requests(
            stack.folder / "messages.bin",
            [fleet.message(TARGETS + number, number % TARGETS) for number in range(CALLERS)])
        few = fleet.write_requests(
            stack.folder / "few-messages.bin", [fleet.message(TARGETS + number, number) for number in range(FEW)])
        reference = running.enter_context(nginx.proxy(stack, loops, agent.port, own))
        ports = {"nginx proxy_pass": (reference.port, {"proxy": reference.pid})}
        for activity in ("off", "full"):
            service = running.enter_context(stack.service(
                "a2a-proxy", {"EVENT_LOOPS": str(loops), "A2A_ACTIVITY": activity}, cores=own))
            ports[f"a2a-proxy, A2A_ACTIVITY={activity}"] = (service.port, {"proxy": service.pid})

        def contender(name: str, connections: int, file=requests, **timing):
            port, parties = ports[name]
            return lambda: stack.load(port, file, connections, {**parties, "agent": agent.pid}, cores=rest, **timing)

        for name in ports:
            contender(name, CONNECTIONS, seconds=2, warmup=0)()
        many = in_turns(stack.rounds, {name: contender(name, CONNECTIONS) for name in ports})
        ports["the agent itself"] = (agent.port, {})
        single = in_turns(
            stack.rounds,
            {name: contender(name, 1, few, seconds=min(3, stack.seconds), warmup=1) for name in ports})
    names = list(ports)
    report.table(
        f"A2A, 1 KB, {CONNECTIONS} connections; one loop or worker on a core of its own", many,
        {names[1]: (names[0], "0.8"), names[2]: (names[0], "0.4")},
        ["proxy", "agent", "client", "postgres", "rabbitmq", "redis"], ["proxy", "postgres", "rabbitmq", "redis"])
    report.table("The same, one connection: what a proxy adds", single, {}, ["proxy"])
    direct = median(single["the agent itself"], lambda run: run.p50)
    report.note("Added to the median by the proxy, one connection (aim: under 0.3 ms with `off`): " + "; ".join(
        f"{name} {median(single[name], lambda run: run.p50) - direct:.3f} ms" for name in names[:3]) + ".")
