"""Makes every call that agents in the field make, with the client of the example agent, and prints each one.

Arguments: the platform's URL, the workspace's id, its agent's URL, the ids of its parent, of a target and of a workspace
whose agent cannot be reached, a folder for tokens. ADMIN_TOKEN is the operator's, who moves the workspace below its parent.
Prints a line of JSON a call: its name, what was sent, and what came back.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "Examples" / "PythonAgent"))

import httpx  # noqa: E402

from client import PlatformClient  # noqa: E402

CAPABILITIES = ("heartbeat", "scheduler", "session", "status_mgmt", "retry", "activity_decoration", "channel_dispatch")


class Recorder:
    """Prints what a client sends and gets, under the name of what it is doing."""

    def __init__(self, client: PlatformClient):
        self.client = client
        self.step = ""
        client.http.event_hooks = {"response": [self.note]}

    async def note(self, response) -> None:
        await response.aread()
        request = response.request
        if request.headers.get("authorization", "") not in ("", f"Bearer {self.client.token()}"):
            raise AssertionError("a bearer that is not ours")
        try:
            answer = response.json()
        except ValueError:
            answer = response.text
        print(json.dumps({
            "step": self.step, "method": request.method, "path": request.url.path, "host": request.url.netloc.decode(),
            "bearer": "authorization" in request.headers, "identity": request.headers.get("x-workspace-id"),
            "body": json.loads(request.content) if request.content else None,
            "status": response.status_code, "answer": answer,
        }), flush=True)

    async def __call__(self, step: str, awaitable):
        self.step = step
        result = await awaitable
        print(json.dumps({"step": step, "result": result}), flush=True)
        return result


async def finished(record: Recorder, identity: str) -> None:
    """Checks after each beat, as agents do, until the delegation has an end."""
    while True:
        entries = await record.client.delegations()
        first = next((entry for entry in entries if entry["delegation_id"] == identity), {})
        if first.get("status") in ("completed", "failed"):
            return
        await asyncio.sleep(0.05)


async def main(url: str, own: str, agent_url: str, parent: str, target: str, unreachable: str, folder: str) -> None:
    client = PlatformClient(own, url, Path(folder) / "own" / ".auth_token")
    record = Recorder(client)
    card = {
        "name": "field", "description": "Makes every call", "version": "1.0.0", "url": agent_url,
        "skills": [{"id": "x", "name": "X", "description": "x", "tags": ["x"]}],
        "capabilities": {"streaming": True, "pushNotifications": False},
    }
    await record("register", client.register(agent_url, card))
    await record("register again", client.register(agent_url, card))
    httpx.patch(
        f"{url}/workspaces/{own}", json={"parent_id": parent},
        headers={"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}).raise_for_status()
    await record("peers at boot", client.peers_at_boot())
    await record("initial prompt", client.send_initial_prompt("direct"))
    await record("idle prompt", client.send_idle_prompt("direct"))
    metadata = {"capabilities": {name: False for name in CAPABILITIES}, "idle_timeout_seconds": 120}
    await record("heartbeat", client.heartbeat(0.0, "", 0, "", metadata=metadata))
    await record("wedged heartbeat", client.heartbeat(0.0, "", 0, "", wedge_reason="session lost"))
    await record("recovered heartbeat", client.heartbeat(0.0, "", 0, ""))
    await record("list peers", client.list_peers())

    first = await record("delegate", client.delegate(target, "direct"))
    await record("delegate again", client.delegate(target, "direct"))
    await record("first result", finished(record, first))
    second = await record("delegate more", client.delegate(target, "count 1"))
    await record("second result", finished(record, second))
    await record("delegations", client.delegations())
    await record("parent", client.parent_name())
    await record("wake self", client.wake_self("direct"))
    await record("notify result", client.notify_result("completed: direct"))
    await record("sync delegation", client.delegate_sync(target, "direct"))
    await record("tell", client.tell_person("hello"))

    identity = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    await record("tool discover", client.discover_unknown(target))
    await record("tool record", client.record_delegation(target, "direct", identity))
    for status in ("completed", "failed", "queued"):
        await record(f"tool update {status}", client.update_delegation(identity, status, "preview"))
    await record("tool notify", client.notify_nothing())
    for name in ("instructions", "shared-context", "checkpoints", "memories", "approvals"):
        await record(name, absent(client, name))

    # What a prompt does while no peer can be reached: the waits are noted and not waited for.
    waits: list[float] = []

    async def note_wait(seconds: float) -> None:
        waits.append(seconds)

    lost = PlatformClient(unreachable, url, Path(folder) / "lost" / ".auth_token")
    record = Recorder(lost)
    await record("lost register", lost.register("http://localhost:9/", card))
    sleep, asyncio.sleep = asyncio.sleep, note_wait
    await record("lost prompt", lost.send_initial_prompt("direct"))
    asyncio.sleep = sleep
    print(json.dumps({"step": "waits", "result": waits}), flush=True)


async def absent(client: PlatformClient, name: str) -> int:
    answer = await client.http.get(f"/workspaces/{client.workspace_id}/{name}", headers=client.bearer())
    return answer.status_code


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
