"""Ten thousand A2A calls in flight at once: what memory each costs the proxy, and how many threads."""

import asyncio
import contextlib
import re
import resource
import time
from pathlib import Path

from . import fleet
from .nginx import ANSWER
from .report import say
from .stack import free_port

CALLS = 10_000
TARGETS = 100
CALLERS = 1000
# Connections that are being made at a time: fewer than the proxy's backlog.
OPENING = 200
REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)) + ANSWER.encode()


class Holder(asyncio.Protocol):
    """The agents' side of a connection: takes a message, and answers when told to."""

    holding: set["Holder"] = set()

    def connection_made(self, transport) -> None:
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if end and length and len(body) >= int(length[1]):
            self.received = b""
            Holder.holding.add(self)

    def connection_lost(self, _) -> None:
        Holder.holding.discard(self)

    @classmethod
    def answer_all(cls) -> None:
        for holder in cls.holding:
            holder.transport.write(REPLY)
        cls.holding.clear()


class Caller(asyncio.Protocol):
    """The callers' side: sends one message at a time."""

    def connection_made(self, transport) -> None:
        self.transport, self.answer, self.received = transport, None, b""

    def send(self, request: bytes) -> asyncio.Future:
        self.answer = asyncio.get_running_loop().create_future()
        self.received = b""
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(ANSWER.encode()) and not self.answer.done():
            self.answer.set_result(int(self.received[9:12]))

    def connection_lost(self, _) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError(f"closed: {self.received[:200]!r}"))


def raise_limit(wanted: int) -> int:
    """Allows so many descriptors, here and in what is started; as many as may be. Returns how many there are."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (PermissionError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _memory(pid: int) -> tuple[int, int]:
    """Bytes that a process has in memory, and its threads."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024, int(re.search(r"Threads:\s+(\d+)", status)[1])


async def _until(condition, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up waiting for {what}")
        await asyncio.sleep(0.01)


async def _fly(calls: int, port: int, agent_port: int, pid: int) -> list[list[str]]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Holder, "127.0.0.1", agent_port, backlog=4096)
    messages = [fleet.message(TARGETS + number % CALLERS, number % TARGETS) for number in range(calls)]
    opening = asyncio.Semaphore(OPENING)

    async def connect() -> Caller:
        async with opening:
            return (await loop.create_connection(Caller, "127.0.0.1", port))[1]

    rows: list[list[str]] = []

    def note(what: str, base: int | None) -> int:
        memory, threads = _memory(pid)
        each = "" if base is None else f"{(memory - base) / calls / 1024:.1f}"
        rows.append([what, f"{memory / 2**20:.0f}", each, str(threads)])
        return memory

    # What is kept by caller and by target is there before anything is measured.
    first = await connect()
    for number in range(CALLERS):
        answer = first.send(messages[number])
        await _until(lambda: Holder.holding, "a message")
        Holder.answer_all()
        assert await answer == 200
    idle = note("nothing in flight", None)
    callers = await asyncio.gather(*(connect() for _ in range(calls)))
    note(f"{calls:,} connections, no call", idle)
    for number in (1, 2):
        began = time.monotonic()
        answers = [caller.send(message) for caller, message in zip(callers, messages)]
        await _until(lambda: len(Holder.holding) == calls, "all messages to arrive")
        say(f"  {calls:,} in flight after {time.monotonic() - began:.1f} s")
        note(f"{calls:,} calls in flight, time {number}", idle)
        Holder.answer_all()
        assert set(await asyncio.gather(*answers)) == {200}
    note("all answered, connections kept", idle)
    for caller in [*callers, first]:
        caller.transport.close()
    server.close()
    return rows


def run(stack, report) -> None:
    say("flight")
    # Both ends of all calls.
    calls = min(CALLS, (raise_limit(2 * CALLS + 1000) - 500) // 2)
    agent_port = free_port()
    fleet.create(stack, CALLERS + TARGETS, url=f"http://127.0.0.1:{agent_port}/")
    with contextlib.ExitStack() as running:
        service = running.enter_context(stack.service(
            "a2a-proxy", {"A2A_ACTIVITY": "off", "A2A_CONNECTIONS_PER_AGENT": str(CALLS)}))
        rows = asyncio.run(_fly(calls, service.port, agent_port, service.pid))
    report.rows(
        f"{calls:,} A2A calls of 1 KB in flight; aim: under 20 KB each, no extra thread",
        ["when", "the proxy's memory, MiB", "KiB for each call", "threads"], rows)
