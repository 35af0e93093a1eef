"""What an agent does beside answering: register, beat, collect results of delegations, listen to events."""

import asyncio
import json
import logging

import httpx
import websockets

from client import PlatformClient

log = logging.getLogger("runtime")

CAPABILITIES = ("heartbeat", "scheduler", "session", "status_mgmt", "retry", "activity_decoration", "channel_dispatch")


class Health:
    """What the next heartbeat says. One process has one of these."""

    def __init__(self) -> None:
        self.active_tasks = 0
        self.current_task = ""
        self.requests = 0
        self.errors = 0
        self.sample_error = ""
        self.wedge_reason = ""

    def mark_wedged(self, reason: str) -> None:
        """The first reason stays, so that what a person reads does not change under them."""
        self.wedge_reason = self.wedge_reason or reason or "wedged"

    def clear_wedge(self) -> None:
        self.wedge_reason = ""

    def count_error(self, text: str) -> None:
        self.errors += 1
        self.sample_error = text

    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    def reset(self) -> None:
        """Called after every answered beat: an error rate shows for one beat only."""
        self.requests = self.errors = 0
        self.sample_error = ""


class HeartbeatLoop:
    """Beats, and after each beat looks for results of delegations. Nothing that goes wrong ends it."""

    def __init__(self, platform: PlatformClient, health: Health, seconds: float, idle_timeout: int = 0):
        self.platform = platform
        self.health = health
        self.seconds = seconds
        self.metadata: dict = {"capabilities": {name: False for name in CAPABILITIES}}
        if idle_timeout > 0:
            self.metadata["idle_timeout_seconds"] = idle_timeout
        self.seen: set[str] = set()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self.beat()
                await self.collect_results()
            except (httpx.HTTPError, ValueError) as error:
                log.warning("heartbeat: %s", error)
            try:
                async with asyncio.timeout(self.seconds):
                    await self.wake.wait()
                self.wake.clear()
            except TimeoutError:
                pass

    async def beat(self) -> None:
        health = self.health
        await self.platform.heartbeat(
            health.error_rate(), health.sample_error, health.active_tasks, health.current_task,
            health.wedge_reason, self.metadata)
        health.reset()

    async def collect_results(self) -> None:
        fresh = []
        for entry in await self.platform.delegations():
            identity = entry.get("delegation_id")
            if not identity or identity in self.seen or entry.get("status") not in ("completed", "failed"):
                continue
            # The first finished entry of an id is the one that counts.
            self.seen.add(identity)
            if entry.get("source_id") == self.platform.workspace_id:
                fresh.append(entry)
            else:
                log.warning("dropped a result that is not ours: %s", identity)
        if not fresh:
            return
        parent = await self.platform.parent_name()
        lines = [f"- {entry['delegation_id']}: {entry['status']}: {entry.get('summary', '')}" for entry in fresh]
        report = f"Results for {parent}:\n" if parent else "Results:\n"
        await self.platform.wake_self(report + "\n".join(lines))
        for entry in fresh:
            await self.platform.notify_result(f"{entry['status']}: {entry.get('summary', '')}")


async def listen_to_events(platform: PlatformClient) -> None:
    """Follows the platform's WebSocket; reconnects after 1 s, doubling up to 30 s."""
    url = "ws" + platform.platform_url.removeprefix("http") + "/ws"
    delay = 1
    while True:
        try:
            async with websockets.connect(url, additional_headers=platform.bearer() | platform.identity()) as socket:
                delay = 1
                async for text in socket:
                    event = json.loads(text)
                    if event.get("event") in (
                            "WORKSPACE_ONLINE", "WORKSPACE_OFFLINE", "WORKSPACE_REMOVED", "AGENT_CARD_UPDATED"):
                        log.info("%s %s", event["event"], event.get("workspace_id"))
        except (OSError, ValueError, websockets.WebSocketException) as error:
            log.info("events: %s; again in %d s", error, delay)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 30)
