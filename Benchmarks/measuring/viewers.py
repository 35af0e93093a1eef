"""One event to 5,000 viewers: the notifier against nats-server, and against nginx with nchan."""

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from . import fleet
from .flight import raise_limit
from .nginx import Nginx
from .processes import Server, pinned
from .report import in_turns, median, say
from .stack import Sample, free_port

VIEWERS = 5000
SLOW = 1000
# As a viewer gets it, without the framing of its protocol.
EVENT_BYTES = 250
# Fewer than a viewer's buffer holds: whoever loses one is not read fast enough by itself.
BURST = 100
# Where nothing is a burst: an event this often.
GAP_MICROSECONDS = 50_000
# Idle viewers have said and been told all that belongs to their opening.
SETTLING_SECONDS = 3
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Watch:
    """The watching client, with all its viewers let in."""

    def __init__(self, stack, mode: str, port: int, cores: str | None, *, path: str = "/", slow: int = 0,
                 viewers: int = VIEWERS):
        command = [
            str(stack.binaries / "watch"), "--mode", mode, "--port", str(port), "--path", path, "--publish", "/publish",
            "--token", stack.admin_token, "--amqp", os.environ["AMQP_URL"], "--viewers", str(viewers), "--slow",
            str(slow), "--bytes", str(EVENT_BYTES)]
        self._process = subprocess.Popen(
            pinned(command, cores), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        self._answer()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"watch ended with {self._process.wait()}")
        return json.loads(line)

    def burst(self, events: int, repeats: int = 1, gap: int = 0) -> dict:
        print("burst", events, gap, repeats, file=self._process.stdin, flush=True)
        return self._answer()


def _layout() -> tuple[str | None, str | None]:
    """The core of whoever passes the events on, one thread of it, and that of the client."""
    return ("0", "1") if (os.cpu_count() or 1) > 1 else (None, None)


def _notifier(stack, cores: str | None) -> tuple[Server, int]:
    service = stack.service("notifier", {"EVENT_LOOPS": "1"}, cores=cores)
    return service, service.port


def _nats(stack, cores: str | None) -> tuple[Server, int]:
    port = free_port()
    configuration = stack.folder / "nats.conf"
    # Its pings are nothing that the client answers.
    configuration.write_text(f'listen: "127.0.0.1:{port}"\nmax_connections: 20000\nping_interval: "10m"\n')
    server = Server(
        "nats-server", pinned(["nats-server", "-c", str(configuration)], cores), stack.logs / "nats-server.log",
        {"GOMAXPROCS": "1"})
    deadline = time.monotonic() + 10
    while subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            raise SystemExit("nats-server did not start")
        time.sleep(0.05)
    return server, port


def _nchan(stack, cores: str | None) -> tuple[Server, int]:
    nginx = Nginx(stack, "nchan", 1, """
        location = /publish {
            nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 1000; client_max_body_size 1m;
        }
        location = /watch {
            nchan_subscriber websocket eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest;
            nchan_subscriber_timeout 0;
        }
        """, upstream="nchan_shared_memory_size 256m;", main=f"load_module {MODULE};", cores=cores)
    return nginx, nginx.port


class Contender:
    """Who passes events on, and how its viewers speak. `start` gives a process of its own, and its port."""

    def __init__(self, mode: str, path: str, start: Callable[[object, str | None], tuple[Server, int]]):
        self.mode, self.path, self.start = mode, path, start

    def use(self, server: Server, port: int) -> None:
        self.pid, self.port = server.pid, port

    def watch(self, stack, cores: str | None, **options) -> Watch:
        return Watch(stack, self.mode, self.port, cores, path=self.path, **options)


def _measured(stack, contender: Contender, cores: str | None, single: bool) -> Sample:
    """Bursts, or single events, for as long as a run takes. A lost delivery ends the benchmark."""
    events = 1 if single else BURST
    with contender.watch(stack, cores) as watch:
        watch.burst(events, 3)

        def work():
            results, deadline = [], time.monotonic() + min(stack.seconds, 10)
            while not results or time.monotonic() < deadline:
                results.append(watch.burst(events, 5))
                _check(results[-1], contender.mode)
            deliveries = sum(result["deliveries"] for result in results)
            key = "last" if single else "p50"
            middle, high = (sorted(result[name] for result in results)[len(results) // 2] for name in (key, "p99"))
            return Sample(deliveries / sum(result["seconds"] for result in results), middle, high), deliveries

        return stack.measure({"fan-out": contender.pid, "watch": watch.pid}, work)


def _check(result: dict, name: str) -> None:
    if result["lost"] or result["doubled"]:
        raise SystemExit(f"{name}: {result['lost']} deliveries were lost, {result['doubled']} came twice")


def _resident(pid: int) -> int:
    """Bytes of a process and its children that are in memory."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 + sum(_resident(int(child)) for child in children)


def _kernel_memory() -> tuple[int, int]:
    """Bytes that the kernel holds in the buffers of TCP, and in its own objects: the whole machine's."""
    buffers = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    objects = re.search(r"^SUnreclaim:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(buffers[1]) * os.sysconf("SC_PAGE_SIZE"), int(objects[1]) * 1024


def _idle(stack, contenders: dict[str, Contender], own: str | None, cores: str | None) -> list[list[str]]:
    rows = []
    for name, contender in contenders.items():
        # Nothing of another measurement's is left in it.
        server, port = contender.start(stack, own)
        with server:
            contender.use(server, port)
            with contender.watch(stack, cores, viewers=10) as watch:
                watch.burst(1, 3)
            time.sleep(1)
            before, kernel = _resident(contender.pid), _kernel_memory()
            with contender.watch(stack, cores) as watch:
                time.sleep(SETTLING_SECONDS)
                idle, held = _resident(contender.pid), _kernel_memory()
                watch.burst(1, 3)
                used = _resident(contender.pid)
        grown = [idle - before, used - before, *(now - then for now, then in zip(held, kernel))]
        rows.append([name, f"{before / 2**20:.0f}", *(f"{bytes / VIEWERS / 1024:.1f}" for bytes in grown)])
        say(f"  {name}: {rows[-1][2]} KiB for each idle viewer")
    return rows


def _dropped(contender: Contender) -> int:
    """Events that the notifier's viewers were too slow for so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{contender.port}/metrics", timeout=10) as answer:
        found = re.search(r"^switchyard_stream_dropped_total (\d+)", answer.read().decode(), re.MULTILINE)
    return int(found[1]) if found else 0


def _beside_slow(stack, contender: Contender, cores: str | None, slow: int) -> dict:
    """Latencies of those that read, when those that do not have filled their buffers."""
    before = _dropped(contender)
    with contender.watch(stack, cores, slow=slow) as watch:
        # Until nothing more goes out to the slow ones.
        for _ in range(12):
            _check(watch.burst(BURST), contender.mode)
        if slow and _dropped(contender) - before < slow:
            raise SystemExit("the slow viewers' buffers are not full")
        result = watch.burst(60, gap=GAP_MICROSECONDS)
        _check(result, contender.mode)
        return result


def _slow_rows(stack, contenders: dict[str, Contender], cores: str | None) -> list[list[str]]:
    rows = []
    for name, contender in contenders.items():
        runs = {0: [], SLOW: []}
        for number in range(stack.rounds):
            for slow, results in runs.items():
                results.append(_beside_slow(stack, contender, cores, slow))
                say(f"  {number + 1}/{stack.rounds} {name}, {slow} slow: p99 {results[-1]['p99']:.2f} ms")
        alone, beside = (sorted(result["p99"] for result in results)[stack.rounds // 2] for results in runs.values())
        rows.append([name, f"{alone:.2f}", f"{beside:.2f}", f"**{beside / alone:.2f}**", "within 2"])
    return rows


def run(stack, report) -> None:
    say("viewers")
    raise_limit(2 * VIEWERS + 1000)
    own, rest = _layout()
    fleet.create(stack, 1)
    ours = {
        "notifier, SSE": Contender("sse", "/events/stream", _notifier),
        "notifier, WebSocket": Contender("websocket", "/ws", _notifier)}
    contenders = {
        **ours,
        "nchan, SSE": Contender("nchan-sse", "/watch", _nchan),
        "nchan, WebSocket": Contender("nchan-websocket", "/watch", _nchan),
        "nats-server": Contender("nats", "/", _nats)}
    idle = _idle(stack, contenders, own, rest)
    with contextlib.ExitStack() as running:
        servers = {start: start(stack, own) for start in {each.start for each in contenders.values()}}
        for server, _ in servers.values():
            running.enter_context(server)
        for contender in contenders.values():
            contender.use(*servers[contender.start])
        bursts, singles = (
            in_turns(stack.rounds, {
                name: lambda contender=contender, single=single: _measured(stack, contender, rest, single)
                for name, contender in contenders.items()})
            for single in (False, True))
        slow = _slow_rows(stack, ours, rest)
    comparisons = {name: (f"nchan, {name.split()[1]}", "above 1") for name in ours}
    parties = ["fan-out", "watch", "rabbitmq"]
    report.table(
        f"{BURST} events of {EVENT_BYTES} bytes at once to {VIEWERS:,} viewers: deliveries; one loop, worker or Go"
        " processor on a core of its own", bursts, comparisons, parties, ["fan-out"])
    rate = {name: median(samples, lambda sample: sample.rate) for name, samples in bursts.items()}
    cost = {name: median(samples, lambda sample: sample.cpu["fan-out"]) for name, samples in bursts.items()}
    report.note("Against nats-server (aim: at least 0.5): " + "; ".join(
        f"{name} **{rate[name] / rate['nats-server']:.2f}**, by CPU {cost['nats-server'] / cost[name]:.2f}"
        for name in ours) + ".")
    report.table(
        f"One event to {VIEWERS:,} viewers, from its publishing to the last (p50) and to each (p99)", singles,
        comparisons, parties, ["fan-out"])
    report.rows(
        f"Memory of {VIEWERS:,} viewers; aim: under 10 KB each",
        ["what", "before, MiB", "KiB each, idle", "KiB each, after events", "kernel's buffers, KiB, both ends",
         "kernel's objects, KiB, both ends"], idle)
    report.rows(
        f"p99 of the others when {SLOW:,} of {VIEWERS:,} viewers do not read, an event every"
        f" {GAP_MICROSECONDS // 1000} ms", ["what", "all read, ms", "beside the slow, ms", "ratio", "aim"], slow)
