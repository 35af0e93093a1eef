"""The registry beside its heartbeats: creating, listing and discovering in a fleet that beats, and long lists."""

import http.client
import json
import random
import re
import time
from pathlib import Path

from . import fleet
from .beating import PERIOD_SECONDS, Beating
from .report import in_turns, median, say

AGENTS = 10_000
LISTED = 100_000
CONNECTIONS = 8
REQUESTS = 10_000
PAGE = 1000
# Never called: discovery gives it out.
URL = "http://93.184.216.34:8000"


def _get(path: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **headers}.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def _requests(stack) -> dict[str, tuple[Path, int]]:
    """What is measured: the requests, and the status of a good answer."""
    admin = {"Authorization": f"Bearer {stack.admin_token}"}
    pairs = random.Random(2)

    def discovery() -> bytes:
        caller, target = pairs.sample(range(AGENTS), 2)
        return _get(
            f"/registry/discover/{fleet.workspace_id(target)}",
            {"X-Workspace-ID": fleet.workspace_id(caller), "Authorization": f"Bearer {fleet.token(caller)}"})

    made = {
        "create (external, awaiting its agent)": (
            [fleet.post("/workspaces", {"name": f"new {number}", "external": True}, admin)
             for number in range(REQUESTS)], 201),
        "list, first page of 100": ([_get("/workspaces?limit=100", admin)], 200),
        "discover": ([discovery() for _ in range(REQUESTS)], 200),
    }
    return {
        name: (fleet.write_requests(stack.folder / f"registry-{number}.bin", requests), expected)
        for number, (name, (requests, expected)) in enumerate(made.items())
    }


def _beside_heartbeats(stack) -> list[list[str]]:
    fleet.create(stack, AGENTS, url=URL)
    with stack.service("registry") as registry, Beating(registry.port, AGENTS) as agents:
        parties = {"registry": registry.pid, "agents": agents.pid}
        before = _resident(registry.pid, "VmRSS")
        samples = in_turns(stack.rounds, {
            name: lambda path=path, expected=expected: stack.load(
                registry.port, path, CONNECTIONS, parties, expect=expected)
            for name, (path, expected) in _requests(stack).items()
        })
        highest = _resident(registry.pid, "VmHWM")
        late = stack.psql(f"""
            SELECT count(*) FROM workspace_vitals v JOIN workspaces w ON w.id = v.workspace_id
            WHERE w.url = '{URL}' AND v.last_heartbeat_at < now() - interval '{2 * PERIOD_SECONDS} seconds'""")
    if int(late):
        raise SystemExit(f"{late} agents could not beat meanwhile")
    return [
        [
            name, f"{median(runs, lambda run: run.rate):,.0f}", f"{median(runs, lambda run: run.p50):.2f}",
            f"{median(runs, lambda run: run.p99):.2f}", str(sum(run.errors for run in runs)),
            f"{before:.0f} → {highest:.0f}", f"{median(runs, lambda run: run.others):.1f}", "p99 under 20 ms",
        ]
        for name, runs in samples.items()
    ]


def _resident(pid: int, what: str) -> float:
    """MiB of a process: VmRSS now, VmHWM at most since `_forget_highest`."""
    return int(re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]) / 1024


def _forget_highest(pid: int) -> None:
    # proc(5): 5 sets VmHWM to what is resident now.
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _by_cursor(connection: http.client.HTTPConnection, headers: dict[str, str]) -> tuple[set[str], list[float]]:
    found: set[str] = set()
    times, cursor = [], ""
    while True:
        began = time.monotonic()
        connection.request("GET", f"/workspaces?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        times.append((time.monotonic() - began) * 1000)
        rows = {row["id"] for row in json.loads(body)}
        if answer.status != 200 or rows & found:
            raise SystemExit(f"a page was answered {answer.status}, or has rows of another page")
        found |= rows
        cursor = answer.headers["X-Next-Cursor"]
        if not cursor:
            return found, times


def _whole(connection: http.client.HTTPConnection, headers: dict[str, str]) -> tuple[set[str], list[float]]:
    began = time.monotonic()
    connection.request("GET", "/workspaces", headers=headers)
    body = connection.getresponse().read()
    elapsed = (time.monotonic() - began) * 1000
    return {row["id"] for row in json.loads(body)}, [elapsed]


def _long_lists(stack) -> list[list[str]]:
    fleet.create(stack, LISTED, url=URL)
    rows = []
    with stack.service("registry") as registry:
        connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=120)
        headers = {"Authorization": f"Bearer {stack.admin_token}"}
        ways = {f"list {LISTED:,} by cursor, pages of {PAGE}": _by_cursor, f"list {LISTED:,} as one stream": _whole}
        for name, read in list(ways.items()) * 2:
            before = _resident(registry.pid, "VmRSS")
            _forget_highest(registry.pid)
            found, times = read(connection, headers)
            if len(found) != LISTED:
                raise SystemExit(f"{name}: {len(found)} workspaces")
            times.sort()
            rows.append([
                name, f"{LISTED / sum(times) * 1000:,.0f} workspaces", f"{times[len(times) // 2]:.0f}",
                f"{times[len(times) * 99 // 100]:.0f}", "0",
                f"{before:.0f} → {_resident(registry.pid, 'VmHWM'):.0f}", "", "constant memory",
            ])
            say(f"  {name}: {sum(times) / 1000:.1f} s")
    return rows


def run(stack, report) -> None:
    say("registry")
    report.rows(
        f"The registry with {AGENTS:,} agents that beat every {PERIOD_SECONDS} s; {CONNECTIONS} connections",
        ["what", "rate/s", "p50 ms", "p99 ms", "errors", "registry's memory, MiB, before → at most", "others' cores",
         "aim"],
        _beside_heartbeats(stack) + _long_lists(stack))
