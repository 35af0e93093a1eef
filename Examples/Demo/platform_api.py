"""The platform over plain HTTP, and what the walk-through needs to wait, to check and to tell its story."""

import http.client
import json
import sys
import threading
import time
import urllib.parse


class Failure(Exception):
    """Something is not as it should be; its text is what the reader is told."""


def check(condition: object, sentence: str) -> None:
    if not condition:
        raise Failure(sentence)


def eventually(look, seconds: float, what: str):
    """Calls `look` until it gives something, and gives that back; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.1)


class Platform:
    """One platform, spoken to as its operator unless a call brings its own headers."""

    def __init__(self, url: str, admin_token: str):
        self.url = url.rstrip("/")
        self.admin_token = admin_token
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port or 80

    def headers(self) -> dict:
        return {"Authorization": f"Bearer {self.admin_token}"} if self.admin_token else {}

    def call(self, method: str, path: str, body: object = None, headers: dict | None = None, quiet: bool = False):
        """Returns status and decoded body (the text where it is no JSON)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            sent = {"Content-Type": "application/json"} | self.headers() | (headers or {})
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            raw = answer.read()
        except OSError as error:
            if quiet:
                return 0, None
            raise Failure(f"{method} {path}: {error}") from None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(raw)
        except ValueError:
            return answer.status, raw.decode(errors="replace")


class EventStream:
    """Reads the fleet's event stream in the background and counts what concerns some workspaces."""

    def __init__(self, platform: Platform, ids: list[str]):
        self.platform = platform
        self.ids = ids
        self.counts: dict[tuple[str, str], int] = {}
        self.opened = threading.Event()
        self.problem = ""
        threading.Thread(target=self._read, daemon=True).start()
        if not self.opened.wait(10) or self.problem:
            raise Failure(f"the event stream did not open: {self.problem or 'no answer in 10 s'}")

    def count(self, name: str, workspace: str = "") -> int:
        """How many events of a name came, of all the workspaces or of one."""
        return sum(
            number for (event, identity), number in list(self.counts.items())
            if event == name and workspace in ("", identity))

    def _read(self) -> None:
        connection = http.client.HTTPConnection(self.platform.host, self.platform.port, timeout=60)
        try:
            connection.request("GET", "/events/stream", headers=self.platform.headers())
            answer = connection.getresponse()
            if answer.status != 200:
                self.problem = f"{answer.status} {answer.read(300).decode(errors='replace')}"
                return
            for line in answer:
                # The first bytes are a comment; from there on nothing is missed.
                self.opened.set()
                if line.startswith(b"data:"):
                    self._count(line[5:].decode())
        except (OSError, http.client.HTTPException) as error:
            self.problem = str(error)
        finally:
            self.opened.set()

    def _count(self, text: str) -> None:
        try:
            name = json.loads(text)["type"]
        except (ValueError, KeyError, TypeError):
            return
        for identity in self.ids:
            if identity in text:
                self.counts[name, identity] = self.counts.get((name, identity), 0) + 1
                return


class Story:
    """Prints the steps as they happen."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.steps = 0
        self.colours = sys.stdout.isatty()

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text

    def step(self, text: str) -> None:
        self.steps += 1
        print(self._paint("1", f"{self.steps}. {text}"), flush=True)

    def saw(self, text: str) -> None:
        seconds = time.monotonic() - self.started
        print(f"   {self._paint('32', '✓')} {text} {self._paint('2', f'({seconds:.1f} s)')}", flush=True)

    def failed(self, text: str) -> None:
        print(f"   {self._paint('31', '✗')} {text}", flush=True)
        print(f"demo failed: {text}", file=sys.stderr)

    def end(self) -> None:
        print(self._paint("32", f"All {self.steps} steps done in {time.monotonic() - self.started:.1f} s"))
