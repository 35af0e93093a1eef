"""A standard A2A agent on the a2a-sdk, which knows nothing of the platform. It answers with tasks.

Arguments: the port. A message says what to do:
    count <n>   works through n steps, an artifact each, and completes
    wait        works until it is released or cancelled
    release <task>   ends a task that waits
    fail        fails
    direct      answers with a message and no task
It answers 503 while the file named by BUSY_FILE exists, and lists the header fields of each call at GET /calls.
"""

import asyncio
import os
import sys

import uvicorn
from a2a.helpers import new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

EXTENSION = "https://example.test/extensions/echo"


class TaskExecutor(AgentExecutor):
    def __init__(self):
        self.released: dict[str, asyncio.Event] = {}

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        word, _, rest = context.get_user_input().partition(" ")
        if word in ("direct", "release"):
            if word == "release":
                self.released[rest].set()
            await event_queue.enqueue_event(new_text_message(f"{word}: done", context_id=context.context_id))
            return
        task = new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        if word == "count":
            for number in range(int(rest)):
                await updater.add_artifact([new_text_part(f"step {number}")], name=f"step-{number}")
            await updater.complete(updater.new_agent_message([new_text_part(f"counted to {rest}, größe 👋")]))
        elif word == "wait":
            released = self.released.setdefault(task.id, asyncio.Event())
            await released.wait()
            await updater.add_artifact([new_text_part("released")], name="end")
            await updater.complete()
        else:
            await updater.failed(updater.new_agent_message([new_text_part("cannot")]))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def make_card(url: str) -> AgentCard:
    return AgentCard(
        name="tasks",
        description="Responds with tasks",
        version="1.0.0",
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"),
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3"),
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="count", name="Count", description="Counts", tags=["test"])],
    )


def main() -> None:
    port = int(sys.argv[1])
    card = make_card(f"http://localhost:{port}/")
    handler = DefaultRequestHandler(agent_executor=TaskExecutor(), task_store=InMemoryTaskStore(), agent_card=card)
    calls: list[dict] = []

    async def listed(_: Request) -> JSONResponse:
        return JSONResponse(calls)

    routes = create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True) + create_agent_card_routes(card)
    app = Starlette(routes=[*routes, Route("/calls", listed, methods=["GET"])])

    async def front(scope, receive, send) -> None:
        """Notes what came, refuses while busy, and says which extensions it took, as agents do."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        fields = {name.decode(): value.decode() for name, value in scope["headers"]}
        calls.append(fields)
        if os.path.exists(os.environ.get("BUSY_FILE", "")):
            await JSONResponse({"error": "busy"}, 503)(scope, receive, send)
            return

        async def answer(message) -> None:
            if message["type"] == "http.response.start" and "a2a-extensions" in fields:
                message["headers"].append((b"a2a-extensions", fields["a2a-extensions"].encode()))
            await send(message)

        await app(scope, receive, answer)

    uvicorn.run(front, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
