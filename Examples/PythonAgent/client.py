"""Every call that the Python agent runtime makes to its platform, field by field and header by header.

A call's headers are part of it: some carry the bearer, some the workspace's id, some both, some neither.
"""

import asyncio
import hashlib
import logging
import mimetypes
import os
import time
import uuid
from pathlib import Path

import httpx

log = logging.getLogger("platform")


class PlatformClient:
    """The platform as one workspace sees it. The token is kept in a file, as a restarted agent needs it again."""

    def __init__(self, workspace_id: str, platform_url: str, token_file: Path, first_token: str = ""):
        self.workspace_id = workspace_id
        self.platform_url = platform_url.rstrip("/")
        self.token_file = token_file
        self.first_token = first_token
        self.http = httpx.AsyncClient(base_url=self.platform_url, timeout=10)
        self.started = time.monotonic()

    # Headers

    def token(self) -> str:
        """The token saved at registration, or an empty string."""
        try:
            return self.token_file.read_text().strip()
        except OSError:
            return ""

    def save_token(self, token: str) -> None:
        """Keeps a token in a file that only its owner can read."""
        self.token_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.token_file.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
        temporary.replace(self.token_file)

    def bearer(self) -> dict:
        token = self.token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def identity(self) -> dict:
        return {"X-Workspace-ID": self.workspace_id}

    # Boot

    async def register(self, url: str, card: dict) -> bool:
        """Registers and saves a new token; on any status but 200 the agent goes on unregistered."""
        headers = self.bearer()
        if not headers and self.first_token:
            # An id that nobody created needs the operator's word outside development.
            headers = {"Authorization": f"Bearer {self.first_token}"}
        body = {"id": self.workspace_id, "url": url, "agent_card": card}
        answer = await self.http.post("/registry/register", json=body, headers=headers)
        if answer.status_code != 200:
            log.warning("registration answered %d: %s", answer.status_code, answer.text[:200])
            return False
        token = answer.json().get("auth_token")
        if token:
            self.save_token(token)
        return True

    async def peers_at_boot(self) -> list:
        """Asked without a bearer; anything but a list counts as no peers."""
        answer = await self.http.get(f"/registry/{self.workspace_id}/peers", headers=self.identity())
        peers = answer.json() if answer.status_code == 200 else []
        return peers if isinstance(peers, list) else []

    async def send_initial_prompt(self, text: str) -> bool:
        """The first prompt, to itself: five tries, 1, 2, 4 and 8 s apart. Neither `jsonrpc` nor `id` is sent."""
        for attempt in range(5):
            if attempt:
                await asyncio.sleep(2 ** (attempt - 1))
            try:
                answer = await self._send_to_self("initial", text)
                if answer.is_success:
                    return True
            except httpx.HTTPError as error:
                log.info("initial prompt: %s", error)
        return False

    async def send_idle_prompt(self, text: str) -> int:
        """What the idle loop sends to itself; only the status is looked at."""
        return (await self._send_to_self("idle", text)).status_code

    async def _send_to_self(self, prefix: str, text: str) -> httpx.Response:
        message = {
            "role": "user",
            "messageId": f"{prefix}-{uuid.uuid4().hex[:8]}",
            "parts": [{"kind": "text", "text": text}],
        }
        return await self.http.post(
            f"/workspaces/{self.workspace_id}/a2a",
            json={"method": "message/send", "params": {"message": message}},
            headers=self.bearer() | self.identity(),
            timeout=600,
        )

    # Every heartbeat

    async def heartbeat(self, error_rate: float, sample_error: str, active_tasks: int, current_task: str,
                        wedge_reason: str = "", metadata: dict | None = None) -> int:
        """One sign of life; while wedged it says so."""
        body = {
            "workspace_id": self.workspace_id,
            "error_rate": error_rate,
            "sample_error": sample_error,
            "active_tasks": active_tasks,
            "current_task": current_task,
            "uptime_seconds": int(time.monotonic() - self.started),
        }
        if wedge_reason:
            body |= {"runtime_state": "wedged", "sample_error": wedge_reason}
        if metadata is not None:
            body["runtime_metadata"] = metadata
        answer = await self.http.post("/registry/heartbeat", json=body, headers=self.bearer(), timeout=10)
        return answer.status_code

    async def task_heartbeat(self, current_task: str) -> None:
        """The short beat in the middle of a task: no metadata, and an uptime of 0."""
        body = {
            "workspace_id": self.workspace_id,
            "current_task": current_task,
            "active_tasks": 1,
            "error_rate": 0,
            "sample_error": "",
            "uptime_seconds": 0,
        }
        await self.http.post("/registry/heartbeat", json=body, headers=self.bearer())

    async def delegations(self) -> list:
        """Newest first; an answer that is no list is no news."""
        answer = await self.http.get(f"/workspaces/{self.workspace_id}/delegations", headers=self.bearer())
        entries = answer.json() if answer.status_code == 200 else []
        return entries if isinstance(entries, list) else []

    # New results of delegations

    async def parent_name(self) -> str | None:
        own = await self.http.get(f"/workspaces/{self.workspace_id}", headers=self.bearer())
        parent_id = own.json().get("parent_id") if own.status_code == 200 else None
        if not parent_id:
            return None
        parent = await self.http.get(f"/workspaces/{parent_id}", headers=self.bearer())
        return parent.json().get("name") if parent.status_code == 200 else None

    async def wake_self(self, text: str) -> None:
        """Tells the agent about results: neither `jsonrpc` nor `id` nor `messageId`, and `type` for `kind`."""
        message = {"role": "user", "parts": [{"type": "text", "text": text}]}
        await self.http.post(
            f"/workspaces/{self.workspace_id}/a2a",
            json={"method": "message/send", "params": {"message": message}},
            headers=self.bearer() | self.identity(),
            timeout=120,
        )

    async def notify_result(self, text: str) -> None:
        body = {"message": text, "type": "delegation_result"}
        await self.http.post(f"/workspaces/{self.workspace_id}/notify", json=body, headers=self.bearer())

    # Tools

    async def list_peers(self) -> list:
        answer = await self.http.get(
            f"/registry/{self.workspace_id}/peers", headers=self.bearer() | self.identity())
        answer.raise_for_status()
        return answer.json()

    async def delegate_sync(self, target_id: str, task: str) -> str:
        """Finds the peer, reports what it does around the call, and talks straight to the peer's URL."""
        found = await self.http.get(
            f"/registry/discover/{target_id}", headers=self.bearer() | self.identity())
        found.raise_for_status()
        peer = found.json()
        summary = f"Delegating to {peer.get('name') or target_id}: {task}"[:256]
        await self._report("a2a_send", target_id, summary, "ok", task)
        await self.task_heartbeat(summary)
        request = {
            "jsonrpc": "2.0",
            "id": str(uuid.uuid4()),
            "method": "message/send",
            "params": {"message": {
                "role": "user", "messageId": str(uuid.uuid4()), "parts": [{"kind": "text", "text": task}]}},
        }
        try:
            answer = (await self.http.post(peer["url"], json=request, timeout=600)).json()
            if "error" in answer:
                raise RuntimeError(answer["error"].get("message", "error"))
            result = text_of(answer.get("result"))
        except (httpx.HTTPError, ValueError, RuntimeError) as error:
            await self._report("a2a_receive", target_id, summary, "error", task, error=str(error))
            await self.task_heartbeat("")
            raise
        await self._report("a2a_receive", target_id, summary, "ok", task, result=result)
        await self.task_heartbeat("")
        return result

    async def _report(self, kind: str, target_id: str, summary: str, status: str, task: str,
                      result: str | None = None, error: str | None = None) -> None:
        body = {
            "activity_type": kind,
            "source_id": self.workspace_id,
            "target_id": target_id,
            "method": "message/send",
            "summary": summary,
            "status": status,
            "request_body": {"task": task},
        }
        if result is not None:
            body["response_body"] = {"result": result}
        if error is not None:
            body["error_detail"] = error[:4096]
        await self.http.post(f"/workspaces/{self.workspace_id}/activity", json=body, headers=self.bearer())

    async def delegate(self, target_id: str, task: str) -> str:
        """Hands a task over; the same task to the same target is one delegation. Returns its id."""
        key = hashlib.sha256(f"{target_id}:{task}".encode()).hexdigest()[:32]
        answer = await self.http.post(
            f"/workspaces/{self.workspace_id}/delegate",
            json={"target_id": target_id, "task": task, "idempotency_key": key},
            headers=self.bearer(),
        )
        if answer.status_code not in (200, 202):
            raise RuntimeError(f"delegate answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()["delegation_id"]

    async def tell_person(self, text: str, files: list[Path] | None = None) -> None:
        """Uploads the files first and says nothing unless all of them arrived."""
        body: dict = {"message": text}
        if files:
            parts = [
                ("files", (file.name, file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"))
                for file in files
            ]
            upload = await self.http.post(
                f"/workspaces/{self.workspace_id}/chat/uploads", files=parts, headers=self.bearer(), timeout=60)
            stored = upload.json().get("files", []) if upload.status_code == 200 else []
            if len(stored) != len(files):
                raise RuntimeError(f"upload answered {upload.status_code} with {len(stored)} of {len(files)} files")
            body["attachments"] = stored
        answer = await self.http.post(
            f"/workspaces/{self.workspace_id}/notify", json=body, headers=self.bearer())
        if answer.status_code != 200:
            raise RuntimeError(f"notify answered {answer.status_code}: {answer.text[:200]}")

    # The LangChain tools send no bearer and put up with being refused.

    async def discover_unknown(self, target_id: str) -> int:
        answer = await self.http.get(f"/registry/discover/{target_id}", headers=self.identity())
        return answer.status_code

    async def notify_nothing(self) -> int:
        """A notification whose text is in another field than the platform expects it in."""
        answer = await self.http.post(f"/workspaces/{self.workspace_id}/notify", json={"text": "progress"})
        return answer.status_code

    async def record_delegation(self, target_id: str, task: str, delegation_id: str) -> int:
        body = {"target_id": target_id, "task": task, "delegation_id": delegation_id}
        answer = await self.http.post(f"/workspaces/{self.workspace_id}/delegations/record", json=body)
        return answer.status_code

    async def update_delegation(self, delegation_id: str, status: str, preview: str = "", error: str = "") -> int:
        body = {"status": status, "error": error, "response_preview": preview}
        answer = await self.http.post(
            f"/workspaces/{self.workspace_id}/delegations/{delegation_id}/update", json=body)
        return answer.status_code


def text_of(result: object) -> str:
    """The text of an answer: a message's parts, or those of a task's artifacts or status."""
    if not isinstance(result, dict):
        return ""
    candidates = [result.get("parts")]
    candidates += [artifact.get("parts") for artifact in result.get("artifacts") or []]
    candidates.append(((result.get("status") or {}).get("message") or {}).get("parts"))
    for parts in candidates:
        for part in parts or []:
            if part.get("kind", part.get("type")) == "text":
                return part.get("text", "")
    return ""
