"""A client program on the a2a-sdk that knows nothing of the platform: it is given an agent's address, and calls it.

Arguments: the agent's base URL, the version of the protocol ("1.0" or "0.3"), a bearer (optional). Prints one line of JSON
a call: what was called and what came back, with ids and times replaced by names, so that two runs can be compared.
"""

import asyncio
import json
import sys
import uuid

import httpx
from a2a.client import A2ACardResolver, ClientCallContext, ClientConfig, ClientFactory
from a2a.helpers import new_text_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
)
from google.protobuf.json_format import MessageToDict

EXTENSION = "https://example.test/extensions/echo"


class Transcript:
    """Prints what came back; the same id has the same name wherever it shows."""

    def __init__(self):
        self.names: dict[str, str] = {}

    def plain(self, value, key: str = ""):
        if isinstance(value, dict):
            return {name: self.plain(inner, name) for name, inner in value.items() if name != "timestamp"}
        if isinstance(value, list):
            return [self.plain(inner, key) for inner in value]
        if isinstance(value, str) and (key == "id" or key.endswith("Id")):
            return self.names.setdefault(value, f"{key}-{len(self.names)}")
        return value

    def print(self, call: str, value) -> None:
        value = value if isinstance(value, (dict, list, str)) else MessageToDict(value)
        print(json.dumps([call, self.plain(value)], ensure_ascii=False), flush=True)


def request(text: str) -> SendMessageRequest:
    return SendMessageRequest(
        message=Message(role=Role.ROLE_USER, message_id=str(uuid.uuid4()), parts=[new_text_part(text)]))


async def main(base: str, version: str, bearer: str) -> None:
    transcript = Transcript()
    extensions: list[str] = []

    async def note(response: httpx.Response) -> None:
        if response.request.method == "POST":
            extensions.append(response.headers.get("a2a-extensions", ""))

    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with httpx.AsyncClient(headers=headers, timeout=30, event_hooks={"response": [note]}) as http:
        card = await A2ACardResolver(http, base).get_agent_card()
        wanted = [face for face in card.supported_interfaces if face.protocol_version.startswith(version)]
        assert wanted, f"the card has no interface of {version}"
        assert all(face.url.rstrip("/") == base.rstrip("/") for face in wanted), f"the card leads elsewhere: {wanted}"
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(wanted)
        transcript.print("card", [card.name, card.version, [skill.id for skill in card.skills]])
        blocking = ClientFactory(ClientConfig(httpx_client=http, streaming=False)).create(card)
        streaming = ClientFactory(ClientConfig(httpx_client=http, streaming=True)).create(card)
        context = ClientCallContext(service_parameters={"A2A-Extensions": EXTENSION})

        for text in ("direct", "count 2", "fail"):
            async for answer in blocking.send_message(request(text), context=context):
                transcript.print(f"blocking {text}", answer)
            task = answer.task.id if answer.HasField("task") else None
            if task:
                transcript.print("get", await blocking.get_task(GetTaskRequest(id=task)))

        async for event in streaming.send_message(request("count 3")):
            transcript.print("stream", event)

        # A second listener joins a task that runs; both see its end.
        task, joined = await waiting_task(streaming, transcript)
        listener = asyncio.create_task(listen(streaming, task, joined))
        await joined.wait()
        async for answer in blocking.send_message(request(f"release {task}")):
            transcript.print("released", answer)
        for event in await listener:
            transcript.print("resubscribed", event)
        transcript.print("get", await blocking.get_task(GetTaskRequest(id=task)))

        task, _ = await waiting_task(streaming, transcript)
        transcript.print("cancel", await blocking.cancel_task(CancelTaskRequest(id=task)))
        await failing("cancel once more", transcript, blocking.cancel_task(CancelTaskRequest(id=task)))
        await failing("get nothing", transcript, blocking.get_task(GetTaskRequest(id="nothing")))
        if version == "1.0":
            tasks = await blocking.list_tasks(ListTasksRequest(page_size=3))
            transcript.print("list", sorted(str(task.status.state) for task in tasks.tasks))
        transcript.print("extensions", sorted(set(extensions)))


async def waiting_task(client, transcript: Transcript) -> tuple[str, asyncio.Event]:
    """Starts a task that waits, and stops listening to it once it works."""
    stream = client.send_message(request("wait"))
    async for event in stream:
        transcript.print("wait", event)
        if event.HasField("task"):
            task = event.task.id
        if event.HasField("status_update"):
            break
    await stream.aclose()
    return task, asyncio.Event()


async def listen(client, task: str, joined: asyncio.Event) -> list:
    events = []
    async for event in client.subscribe(SubscribeToTaskRequest(id=task)):
        events.append(event)
        joined.set()
    return events


async def failing(call: str, transcript: Transcript, awaitable) -> None:
    try:
        transcript.print(call, await awaitable)
    except Exception as error:  # what kind it is, is what is compared
        transcript.print(call, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
