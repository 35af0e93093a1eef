#!/usr/bin/env python3
"""Walks through the main job on a running platform with two real agents, and checks what it sees at every step.

Needs nothing but Python's standard library. Ends with code 1 and a sentence at the first thing that is not as
it should be. Usage: demo.py --platform URL --echo-agent COMMAND --python-agent COMMAND [--admin-token TOKEN]
(or PLATFORM_URL, ECHO_AGENT, PYTHON_AGENT, ADMIN_TOKEN in the environment).
"""

import argparse
import os
import shlex
import sys
import tempfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Demo"))

from agents import Agent  # noqa: E402
from platform_api import EventStream, Failure, Platform, Story, check, eventually  # noqa: E402


def send_text(platform: Platform, target: Agent, text: str, sender: Agent | None = None):
    """Sends a message as a person, or as another agent. Returns status and body of the answer."""
    message = {"role": "user", "messageId": str(uuid.uuid4()), "parts": [{"kind": "text", "text": text}]}
    headers = {}
    if sender:
        headers = {"X-Workspace-ID": sender.id, "Authorization": f"Bearer {sender.token()}"}
    return platform.call(
        "POST", f"/workspaces/{target.id}/a2a",
        {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}, headers)


def reply_text(body) -> str:
    try:
        return body["result"]["parts"][0]["text"]
    except (KeyError, IndexError, TypeError):
        raise Failure(f"no text in the answer: {body}") from None


def workspace(platform: Platform, agent: Agent) -> dict:
    status, body = platform.call("GET", f"/workspaces/{agent.id}")
    check(status == 200, f"GET /workspaces/{agent.name} answered {status}: {body}")
    return body


def wait_for_status(platform: Platform, agent: Agent, wanted: str, seconds: float = 20) -> dict:
    def look():
        agent.must_run()
        status, body = platform.call("GET", f"/workspaces/{agent.id}")
        return body if status == 200 and body.get("status") == wanted else None
    return eventually(look, seconds, f"{agent.name} becomes {wanted}")


def wait_for_queue_item(platform: Platform, queue_id: str, seconds: float = 20) -> dict:
    def look():
        status, body = platform.call("GET", f"/queue/{queue_id}")
        check(status == 200, f"GET /queue/{queue_id} answered {status}: {body}")
        check(body.get("status") not in ("failed", "dropped"), f"the queued message was lost: {body}")
        return body if body.get("status") == "completed" else None
    return eventually(look, seconds, "the queued message is delivered")


def agents_come_online(story: Story, platform: Platform, agents: list[Agent]) -> None:
    story.step("Two agents register, get a token and heartbeat")
    for agent in agents:
        agent.start(platform)
    for agent in agents:
        wait_for_status(platform, agent, "online", 30)
        eventually(lambda agent=agent: agent.token(), 10, f"{agent.name} saves its token")
        eventually(lambda agent=agent: workspace(platform, agent).get("last_heartbeat_at"), 15, f"{agent.name} beats")
        story.saw(f"{agent.name} is online, token {agent.token()[:8]}…, heartbeat received")


def messages_are_answered(story: Story, platform: Platform, echo: Agent, python: Agent) -> None:
    story.step("A person's message, and one from agent to agent, are answered through the gateway")
    for agent in (echo, python):
        status, body = send_text(platform, agent, "good morning")
        check(status == 200, f"the message to {agent.name} was answered {status}: {body}")
        check(reply_text(body) == "echo: good morning", f"unexpected answer: {body}")
        story.saw(f"{agent.name} answers “{reply_text(body)}”")
    status, body = send_text(platform, python, "from a colleague", sender=echo)
    check(status == 200 and reply_text(body) == "echo: from a colleague", f"agent to agent: {status} {body}")
    story.saw(f"{echo.name} asked {python.name}: “{reply_text(body)}”")


def busy_agent_gets_it_later(story: Story, platform: Platform, events: EventStream, agent: Agent) -> None:
    story.step(f"{agent.name} is busy: the message waits and is delivered on its next heartbeat")
    agent.control("busy on")
    status, body = send_text(platform, agent, "when you have time")
    check(status == 202 and body.get("queued") is True, f"a busy agent's message was answered {status}: {body}")
    queue_id = body["queue_id"]
    story.saw(f"202, queued as {queue_id[:8]}…, {body.get('queue_depth')} waiting")
    status, item = platform.call("GET", f"/queue/{queue_id}")
    check(status == 200 and item.get("status") in ("queued", "dispatched"), f"GET /queue answered {status}: {item}")
    agent.control("busy off")
    beats = events.count("WORKSPACE_HEARTBEAT", agent.id)
    item = wait_for_queue_item(platform, queue_id)
    beats = events.count("WORKSPACE_HEARTBEAT", agent.id) - beats
    # One may have been under way when the agent became free.
    check(beats <= 2, f"it took {beats} heartbeats")
    check("echo: when you have time" in str(item), f"the stored answer is not the agent's: {item}")
    story.saw("delivered; GET /queue/{id} shows the answer “echo: when you have time”")


def delegation_is_completed(story: Story, platform: Platform, source: Agent, target: Agent, busy: bool) -> None:
    how = "while it is busy: the result is stitched back after the drain" if busy else "and finds the result"
    story.step(f"{source.name} delegates to {target.name} {how}")
    task = f"count to {'four' if busy else 'three'} {uuid.uuid4().hex[:6]}"
    if busy:
        target.control("busy on")
    status, body = send_text(platform, source, f"delegate {target.id} {task}")
    check(status == 200, f"the order to delegate was answered {status}: {body}")

    def find(*wanted):
        status, entries = platform.call("GET", f"/workspaces/{source.id}/delegations")
        check(status == 200 and isinstance(entries, list), f"GET /delegations answered {status}: {entries}")
        ours = [entry for entry in entries if task in str(entry.get("summary")) + str(entry.get("response_preview"))
                or entry.get("target_id") == target.id]
        return ours[0] if ours and ours[0].get("status") in wanted else None

    if busy:
        eventually(lambda: find("queued"), 20, "the delegation is queued")
        story.saw("its status is queued")
        target.control("busy off")
    entry = eventually(lambda: find("completed"), 20, "the delegation is completed")
    check(f"echo: {task}" in str(entry.get("response_preview")), f"not the target's answer: {entry}")
    story.saw(f"completed: “{entry['response_preview']}”")


def wedge_shows_and_heals(story: Story, platform: Platform, agent: Agent) -> None:
    story.step(f"{agent.name}'s SDK is stuck: it says so, and recovers")
    reason = "SDK session lost; restart needed"
    agent.control(f"wedge {reason}")
    body = wait_for_status(platform, agent, "degraded")
    check(body.get("last_sample_error") == reason, f"the reason is not shown: {body.get('last_sample_error')}")
    story.saw(f"degraded: {reason}")
    agent.control("unwedge")
    wait_for_status(platform, agent, "online")
    story.saw("online again")


def schedule_fires(story: Story, platform: Platform, events: EventStream, agent: Agent) -> None:
    story.step(f"A schedule of {agent.name} fires by itself, and by hand")
    before = events.count("CRON_EXECUTED", agent.id)
    status, made = platform.call(
        "POST", f"/workspaces/{agent.id}/schedules",
        {"name": "demo", "cron_expr": "@every 1s", "prompt": "time to stretch"})
    check(status == 201 and made.get("next_run_at"), f"POST /schedules answered {status}: {made}")
    path = f"/workspaces/{agent.id}/schedules/{made['id']}"
    eventually(lambda: events.count("CRON_FIRED", agent.id), 10, "CRON_FIRED arrives on the event stream")
    eventually(lambda: events.count("CRON_EXECUTED", agent.id) > before, 10, "CRON_EXECUTED arrives on the event stream")
    status, body = platform.call("PATCH", path, {"enabled": False})
    check(status == 200 and body.get("next_run_at") is None, f"PATCH answered {status}: {body}")
    status, body = platform.call("POST", f"{path}/run")
    check(status == 200 and body.get("status") == "fired", f"run answered {status}: {body}")

    def manual():
        status, runs = platform.call("GET", f"{path}/history")
        check(status == 200 and isinstance(runs, list), f"GET history answered {status}: {runs}")
        return [run for run in runs if run["request"]["trigger"] == "manual" and run["status"] == "ok"]

    eventually(manual, 10, "the run by hand is in the history")
    status, entries = platform.call("GET", f"/workspaces/{agent.id}/schedules")
    check(status == 200 and entries[0]["last_status"] == "ok", f"GET /schedules answered {status}: {entries}")
    story.saw(f"ran {entries[0]['run_count']} times, the last one by hand; it is disabled now")
    status, body = platform.call("DELETE", path)
    check(status == 200, f"DELETE answered {status}: {body}")


def stream_showed_everything(story: Story, events: EventStream, agents: list[Agent]) -> None:
    story.step("All of it was on the event stream")
    wanted = (
        "WORKSPACE_ONLINE", "WORKSPACE_HEARTBEAT", "A2A_QUEUED", "A2A_COMPLETED",
        "DELEGATION_SENT", "DELEGATION_COMPLETE", "WORKSPACE_DEGRADED", "CRON_FIRED", "CRON_EXECUTED")
    for name in wanted:
        eventually(lambda name=name: events.count(name), 10, f"{name} arrives on the event stream")
    story.saw(", ".join(f"{name} ×{events.count(name)}" for name in wanted))


def main() -> int:
    options = argparse.ArgumentParser(description="Walks through the platform's main job.")
    options.add_argument("--platform", default=os.environ.get("PLATFORM_URL", "http://127.0.0.1:8080"))
    options.add_argument("--admin-token", default=os.environ.get("ADMIN_TOKEN", ""))
    options.add_argument("--echo-agent", default=os.environ.get("ECHO_AGENT"), help="the command that starts it")
    options.add_argument("--python-agent", default=os.environ.get("PYTHON_AGENT"), help="the command that starts it")
    options.add_argument("--heartbeat", type=float, default=2, help="seconds between heartbeats")
    given = options.parse_args()
    if not given.echo_agent or not given.python_agent:
        options.error("--echo-agent and --python-agent are needed")
    platform = Platform(given.platform, given.admin_token)
    story = Story()
    with tempfile.TemporaryDirectory(prefix="switchyard-demo-") as folder:
        echo = Agent("echo", shlex.split(given.echo_agent), Path(folder), given.heartbeat)
        python = Agent("python", shlex.split(given.python_agent), Path(folder), given.heartbeat)
        agents = [echo, python]
        try:
            status, body = platform.call("GET", "/ready")
            check(status == 200, f"the platform at {given.platform} is not ready: {status} {body}")
            events = EventStream(platform, [agent.id for agent in agents])
            agents_come_online(story, platform, agents)
            messages_are_answered(story, platform, echo, python)
            busy_agent_gets_it_later(story, platform, events, python)
            busy_agent_gets_it_later(story, platform, events, echo)
            delegation_is_completed(story, platform, echo, python, busy=False)
            delegation_is_completed(story, platform, python, echo, busy=True)
            wedge_shows_and_heals(story, platform, python)
            wedge_shows_and_heals(story, platform, echo)
            schedule_fires(story, platform, events, python)
            schedule_fires(story, platform, events, echo)
            stream_showed_everything(story, events, agents)
        except Failure as failure:
            story.failed(str(failure))
            for agent in agents:
                agent.show_log()
            return 1
        finally:
            for agent in agents:
                agent.stop()
                if agent.started:
                    platform.call("DELETE", f"/workspaces/{agent.id}?confirm=true&purge=true", quiet=True)
    story.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
