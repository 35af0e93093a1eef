"""A client program on the a2a-sdk whose agent is busy: it knows nothing of the platform, which keeps its messages meanwhile.

Arguments: the agent's base URL, the version of the protocol ("1.0" or "0.3"), a bearer, the file that makes the agent busy
while it exists, and the URLs of endpoints that refuse. Prints a line of JSON a call: what was called and what came back.
"""

import asyncio
import json
import sys
import uuid
from pathlib import Path

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers import new_text_part
from a2a.types import CancelTaskRequest, GetTaskRequest, Message, Role, SendMessageRequest, SubscribeToTaskRequest
from google.protobuf.json_format import MessageToDict


def show(call: str, value) -> None:
    value = value if isinstance(value, (dict, list, str)) else MessageToDict(value)
    print(json.dumps([call, value], ensure_ascii=False), flush=True)


def request(text: str) -> SendMessageRequest:
    return SendMessageRequest(
        message=Message(role=Role.ROLE_USER, message_id=str(uuid.uuid4()), parts=[new_text_part(text)]))


async def send(client, call: str, text: str) -> str:
    """Returns the id of the last task that came back."""
    task = ""
    async for answer in client.send_message(request(text)):
        show(call, answer)
        if answer.HasField("task"):
            task = answer.task.id
    return task


async def failing(call: str, awaitable) -> None:
    try:
        show(call, await awaitable)
    except Exception as error:  # its kind is what is compared
        show(call, f"{type(error).__name__}: {error}")


async def ended(client, task: str):
    while True:
        found = await client.get_task(GetTaskRequest(id=task))
        if MessageToDict(found)["status"]["state"] not in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"):
            return found
        await asyncio.sleep(0.2)


async def main(base: str, version: str, bearer: str, busy: Path, refusing: list[str]) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=30) as http:
        card = await A2ACardResolver(http, base).get_agent_card()
        wanted = [face for face in card.supported_interfaces if face.protocol_version.startswith(version)]
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(wanted)
        blocking = ClientFactory(ClientConfig(httpx_client=http, streaming=False)).create(card)
        polling = ClientFactory(ClientConfig(httpx_client=http, streaming=False, polling=True)).create(card)
        streaming = ClientFactory(ClientConfig(httpx_client=http, streaming=True)).create(card)

        busy.touch()
        message = await send(blocking, "send", "direct")
        show("get", await blocking.get_task(GetTaskRequest(id=message)))
        async for event in streaming.subscribe(SubscribeToTaskRequest(id=message)):
            show("subscribe", event)
        task = await send(blocking, "send task", "count 2")
        stream = await send(streaming, "stream", "count 1")
        running = await send(polling, "send long", "wait")
        dropped = await send(blocking, "send in vain", "direct")
        show("cancel", await blocking.cancel_task(CancelTaskRequest(id=dropped)))
        show("get cancelled", await blocking.get_task(GetTaskRequest(id=dropped)))
        await failing("cancel again", blocking.cancel_task(CancelTaskRequest(id=dropped)))
        await failing("get of a busy agent", blocking.get_task(GetTaskRequest(id=str(uuid.uuid4()))))

        busy.unlink()
        show("message", await ended(blocking, message))
        await failing("cancel ended", blocking.cancel_task(CancelTaskRequest(id=message)))
        show("task", await ended(blocking, task))
        show("streamed task", await ended(blocking, stream))
        while (found := await blocking.get_task(GetTaskRequest(id=running))).id == running:
            await asyncio.sleep(0.2)
        show("running", found)
        show("cancel running", await blocking.cancel_task(CancelTaskRequest(id=running)))

        for index, url in enumerate(refusing):
            card.supported_interfaces[0].url = url
            other = ClientFactory(ClientConfig(httpx_client=http, streaming=False)).create(card)
            await failing(f"refused {index}", send(other, "accepted", "direct"))
            other = ClientFactory(ClientConfig(httpx_client=http, streaming=True)).create(card)
            await failing(f"refused stream {index}", send(other, "accepted", "direct"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5:]))
