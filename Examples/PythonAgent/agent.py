"""A complete agent on the a2a-sdk: it echoes, and does on command what agents do to a platform.

Environment: WORKSPACE_ID and PLATFORM_URL (required), PORT (8000), AGENT_URL (http://localhost:PORT), NAME,
ADMIN_TOKEN (the bearer of the very first registration), CONFIGS_DIR (where the token is kept),
HEARTBEAT_SECONDS (30), MAX_TASKS (1), IDLE_TIMEOUT_SECONDS (0: the platform's), INITIAL_PROMPT, IDLE_PROMPT.

A message, or POST /control {"command": ...} on the agent's own port, may say:
    sleep <seconds> | busy on|off | wedge <reason> | unwedge | fail <text> | delegate <target> <task>
    ask <target> <task> | tell <text>
Anything else is echoed.
"""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

import httpx
import uvicorn
from a2a.helpers import new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from a2a.utils.errors import InternalError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from client import PlatformClient
from runtime import HeartbeatLoop, Health, listen_to_events

log = logging.getLogger("agent")


class Commands:
    """What the agent can be told, by a message or from outside."""

    def __init__(self, platform: PlatformClient, health: Health, beats: HeartbeatLoop):
        self.platform = platform
        self.health = health
        self.beats = beats
        self.busy = False

    async def run(self, text: str) -> str:
        word, _, rest = text.strip().partition(" ")
        match word:
            case "sleep":
                await asyncio.sleep(float(rest))
                return f"slept {rest}"
            case "busy" if rest in ("on", "off"):
                self.busy = rest == "on"
                return f"busy {rest}"
            case "wedge":
                self.health.mark_wedged(rest)
                self.beats.wake.set()
                return f"wedged: {self.health.wedge_reason}"
            case "unwedge":
                self.health.clear_wedge()
                self.beats.wake.set()
                return "recovered"
            case "beat":
                self.beats.wake.set()
                return "beating"
            case "fail":
                raise InternalError(message=rest or "failed as told")
            case "delegate":
                target, _, task = rest.partition(" ")
                return f"delegated: {await self.platform.delegate(target, task)}"
            case "ask":
                target, _, task = rest.partition(" ")
                return f"answered: {await self.platform.delegate_sync(target, task)}"
            case "tell":
                await self.platform.tell_person(rest)
                return "told"
        return f"echo: {text}"


class EchoExecutor(AgentExecutor):
    """Answers every message with one message."""

    def __init__(self, commands: Commands):
        self.commands = commands

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        health = self.commands.health
        text = context.get_user_input()
        health.requests += 1
        health.current_task = text[:100]
        try:
            reply = await self.commands.run(text)
        except Exception as error:
            health.count_error(str(error))
            raise
        finally:
            health.current_task = ""
        await event_queue.enqueue_event(new_text_message(reply, context_id=context.context_id))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        raise InternalError(message="nothing to cancel: every message is answered at once")


class Capacity:
    """Refuses with 503 what exceeds the tasks that the agent takes at a time."""

    def __init__(self, app, commands: Commands, limit: int):
        self.app = app
        self.commands = commands
        self.limit = limit

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/":
            await self.app(scope, receive, send)
            return
        health = self.commands.health
        if self.commands.busy or health.active_tasks >= self.limit:
            # No Retry-After: the platform would believe it, and the next heartbeat says when there is room.
            await JSONResponse({"error": "agent busy"}, 503)(scope, receive, send)
            return
        health.active_tasks += 1
        try:
            await self.app(scope, receive, send)
        finally:
            health.active_tasks -= 1


def make_card(name: str, url: str) -> AgentCard:
    return AgentCard(
        name=name,
        description="Echoes what it is told",
        version="1.0.0",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3")],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="echo", name="Echo", description="Repeats a message", tags=["example"])],
    )


def registered_card(name: str, url: str) -> dict:
    """The card in the shape in which agents in the field register it."""
    return {
        "name": name,
        "description": "Echoes what it is told",
        "version": "1.0.0",
        "url": url,
        "skills": [{"id": "echo", "name": "Echo", "description": "Repeats a message", "tags": ["example"]}],
        "capabilities": {"streaming": True, "pushNotifications": False},
    }


def make_app(card: AgentCard, commands: Commands, limit: int) -> Capacity:
    async def control(request: Request) -> JSONResponse:
        body = await request.json()
        try:
            return JSONResponse({"reply": await commands.run(str(body.get("command", "")))})
        except Exception as error:  # whatever it is, the one who asked wants to read it
            return JSONResponse({"error": str(error)}, 500)

    handler = DefaultRequestHandler(
        agent_executor=EchoExecutor(commands), task_store=InMemoryTaskStore(), agent_card=card)
    routes = create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True) + create_agent_card_routes(card)
    return Capacity(Starlette(routes=[*routes, Route("/control", control, methods=["POST"])]), commands, limit)


async def join_platform(platform: PlatformClient, beats: HeartbeatLoop, url: str, name: str) -> None:
    """Boots as agents do: registers, looks for peers, sends the first prompt, then beats for ever."""
    try:
        await platform.register(url, registered_card(name, url))
        peers = await platform.peers_at_boot()
        log.info("%d peers", len(peers))
    except (httpx.HTTPError, ValueError) as error:
        log.warning("going on unregistered: %s", error)
    async with asyncio.TaskGroup() as group:
        group.create_task(beats.run())
        group.create_task(listen_to_events(platform))
        if prompt := os.environ.get("INITIAL_PROMPT"):
            group.create_task(platform.send_initial_prompt(prompt))
        if prompt := os.environ.get("IDLE_PROMPT"):
            group.create_task(idle_loop(platform, prompt))


async def idle_loop(platform: PlatformClient, prompt: str) -> None:
    while True:
        await asyncio.sleep(float(os.environ.get("IDLE_SECONDS", "600")))
        with contextlib.suppress(httpx.HTTPError):
            await platform.send_idle_prompt(prompt)


async def main() -> None:
    missing = [name for name in ("WORKSPACE_ID", "PLATFORM_URL") if not os.environ.get(name)]
    if missing:
        sys.exit(f"not set: {', '.join(missing)}")
    workspace_id = os.environ["WORKSPACE_ID"]
    port = int(os.environ.get("PORT", "8000"))
    url = os.environ.get("AGENT_URL", f"http://localhost:{port}")
    name = os.environ.get("NAME", f"python-{workspace_id[:8]}")
    platform = PlatformClient(
        workspace_id, os.environ["PLATFORM_URL"], Path(os.environ.get("CONFIGS_DIR", "/configs")) / ".auth_token",
        os.environ.get("ADMIN_TOKEN", ""))
    health = Health()
    beats = HeartbeatLoop(
        platform, health, float(os.environ.get("HEARTBEAT_SECONDS", "30")),
        int(os.environ.get("IDLE_TIMEOUT_SECONDS", "0")))
    commands = Commands(platform, health, beats)
    app = make_app(make_card(name, url), commands, int(os.environ.get("MAX_TASKS", "1")))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    joined = asyncio.create_task(join_platform(platform, beats, url, name))
    await serving
    joined.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(main())
