"""Starts real agents as processes of their own and speaks to them from outside."""

import http.client
import json
import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

from platform_api import Failure, Platform


class Agent:
    """One agent: an identity, a folder for its token, a process."""

    def __init__(self, name: str, command: list[str], folder: Path, heartbeat: float):
        self.id = str(uuid.uuid4())
        self.name = f"{name}-{self.id[:4]}"
        self.command = command
        self.heartbeat = heartbeat
        self.folder = folder / self.name
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.process: subprocess.Popen | None = None
        self.started = False
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self, platform: Platform) -> None:
        environment = os.environ | {
            "WORKSPACE_ID": self.id,
            "NAME": self.name,
            "PLATFORM_URL": platform.url,
            "PORT": str(self.port),
            "AGENT_URL": f"http://localhost:{self.port}",
            "ADMIN_TOKEN": platform.admin_token,
            "CONFIGS_DIR": str(self.folder),
            "HEARTBEAT_SECONDS": f"{self.heartbeat:g}",
        }
        with self.log.open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    self.command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            except OSError as error:
                raise Failure(f"{self.name} cannot be started: {error}") from None
        self.started = True

    def must_run(self) -> None:
        if self.process and self.process.poll() is not None:
            raise Failure(f"{self.name} ended with code {self.process.returncode}")

    def token(self) -> str:
        try:
            return (self.folder / ".auth_token").read_text().strip()
        except OSError:
            return ""

    def control(self, command: str) -> None:
        """Commands that must get through however busy or stuck the agent is go past the platform."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(
                "POST", "/control", json.dumps({"command": command}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except OSError as error:
            raise Failure(f"{self.name} cannot be told “{command}”: {error}") from None
        finally:
            connection.close()
        if answer.status >= 300:
            raise Failure(f"{self.name} refused “{command}”: {answer.status} {text[:200]}")

    def stop(self) -> None:
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def show_log(self) -> None:
        """The end of what it printed, for whoever has to find out what went wrong."""
        if self.started and self.log.exists():
            lines = self.log.read_text(errors="replace").splitlines()[-15:]
            print(f"--- {self.name}", *lines, sep="\n", file=sys.stderr)
