"""Agents that beat all the time, at the pace of real ones, while something else is measured."""

import multiprocessing
import socket
import threading
import time

from . import fleet

# What every agent does by the contract.
PERIOD_SECONDS = 30
LANES = 16


def _beat(port: int, numbers: list[int], lanes: int) -> None:
    """One lane: its agents one after the other, evenly over the period, for as long as the process lives."""
    pause = PERIOD_SECONDS / len(numbers)
    requests = [fleet.heartbeat(number) for number in numbers]
    due = time.monotonic() + pause * numbers[0] / lanes
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while True:
            for request in requests:
                time.sleep(max(0.0, due - time.monotonic()))
                # Not faster afterwards when the registry was slow: agents do not catch up either.
                due = max(due, time.monotonic() - 1) + pause
                connection.sendall(request)
                answer = connection.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise SystemExit(f"a heartbeat was answered {answer[:100]!r}")


def _run(port: int, agents: int) -> None:
    lanes = [
        threading.Thread(target=_beat, args=(port, list(range(lane, agents, LANES)), LANES)) for lane in range(LANES)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


class Beating:
    """A process that sends the heartbeats of the first `agents` workspaces of the fleet until its block ends."""

    def __init__(self, port: int, agents: int):
        self._process = multiprocessing.Process(target=_run, args=(port, agents), daemon=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Beating":
        self._process.start()
        return self

    def __exit__(self, *_) -> None:
        if not self._process.is_alive():
            raise SystemExit("the agents stopped beating")
        self._process.kill()
        self._process.join()
