"""Workspaces with tokens that both the database and the clients can work out."""

import base64
import hashlib
import json
import random
import uuid
from pathlib import Path

# The same names in SQL: a workspace's id and token follow from its number.
SQL_ID = "md5('workspace ' || {number})::uuid"
SQL_TOKEN = "translate(rtrim(encode(sha256(('token ' || {number})::bytea), 'base64'), '='), '+/', '-_')"


def workspace_id(number: int) -> str:
    return str(uuid.UUID(hashlib.md5(f"workspace {number}".encode(), usedforsecurity=False).hexdigest()))


def token(number: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"token {number}".encode()).digest()).rstrip(b"=").decode()


def create(stack, count: int, url: str | None = None) -> None:
    """Replaces all workspaces by `count` online ones, all of them roots (siblings, that is), each with a token."""
    identifier, secret = SQL_ID.format(number="i"), SQL_TOKEN.format(number="i")
    address = f"'{url}'" if url else "NULL"
    stack.psql(f"""
        TRUNCATE workspaces, a2a_queue, activity_logs, structure_events, event_outbox CASCADE;
        INSERT INTO workspaces (id, name, status, url)
        SELECT {identifier}, 'agent ' || i, 'online', {address} FROM generate_series(0, {count - 1}) i;
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at, last_seen_at)
        SELECT {identifier}, now(), now() FROM generate_series(0, {count - 1}) i;
        INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix)
        SELECT {identifier}, sha256({secret}::bytea), left({secret}, 8) FROM generate_series(0, {count - 1}) i;
        VACUUM ANALYZE workspaces, workspace_vitals, workspace_auth_tokens;
        """)


def write_requests(path: Path, requests: list[bytes]) -> Path:
    """A file for the load generator, in an order that has nothing to do with that of the rows."""
    random.Random(1).shuffle(requests)
    path.write_bytes(b"".join(b"%d\n%s" % (len(request), request) for request in requests))
    return path


def post(path: str, body: dict, headers: dict[str, str]) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    head = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def heartbeat(number: int) -> bytes:
    body = {
        "workspace_id": workspace_id(number), "error_rate": 0.0, "sample_error": "", "active_tasks": number % 2,
        "uptime_seconds": 1000 + number, "current_task": "", "monthly_spend": 0, "runtime_state": "",
    }
    return post("/registry/heartbeat", body, {"Authorization": f"Bearer {token(number)}"})


def message(caller: int, target: int, body_bytes: int = 1024) -> bytes:
    """An A2A message from one workspace to another, of this many bytes."""
    def body(text: str) -> dict:
        return {
            "jsonrpc": "2.0", "id": f"{caller:032d}", "method": "message/send",
            "params": {"message": {
                "role": "user", "messageId": f"{target:08d}-{caller:024d}", "parts": [{"kind": "text", "text": text}],
            }},
        }

    empty = len(json.dumps(body(""), separators=(",", ":")))
    return post(
        f"/workspaces/{workspace_id(target)}/a2a", body("x" * (body_bytes - empty)),
        {"X-Workspace-ID": workspace_id(caller), "Authorization": f"Bearer {token(caller)}"})
