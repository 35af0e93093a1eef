"""Walks through the web console as a person would, in a headless Chromium.

Usage: console_walk.py BASE_URL ADMIN_TOKEN [SCENARIO ...]

Without a scenario it runs all; `console_walk.py --list` names them. It drives the platform over HTTP itself, with a small
A2A agent in this process. What it cannot do, it asks of its caller: it prints `STEP <what>` on a line of its own and goes
on when the caller has made a file of that name in the folder CONSOLE_WALK_STEPS, which it removes. The steps are

    restart-notifier    every notifier is ended and started again
    platform-down       Postgres (or the gateway) stops answering
    platform-up         it answers again
    dead-letter         something that no consumer can handle is published to a queue of the platform's

With CONSOLE_WALK_SCREENSHOTS a failure leaves a picture of the page in that folder.

Prints `ok <scenario>` for each, or `FAILED <scenario>: <why>` on standard error; ends with 1 when any failed.
"""

import json
import os
import sys
import tempfile
import threading
import traceback
import uuid
from collections.abc import Callable
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from urllib.parse import quote, urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

TIMEOUT = 90
"""Seconds for anything to appear."""
HEAVIEST = 200 * 1024
"""Bytes of all files together, before compression."""
HOSTILE = "<img src=x onerror='window.__owned=1'><script>window.__owned=1</script>\u202egnp.exe 👾 javascript:alert(1)"


SCROLL = """const done = arguments[0];
    const table = document.querySelector('data-table');
    const one = table.rows[0];
    table.rows = Array.from({length: 1000}, (_, number) => ({...one, id: `row ${number}`, row: {...one.row, id: `row ${number}`}}));
    const scroller = table.querySelector('.scroller');
    let most = 0;
    function step() {
        const rows = table.querySelectorAll('.table-body .row');
        most = Math.max(most, rows.length);
        if (rows[rows.length - 1]?.getAttribute('aria-rowindex') === '1001') done([most, '1001']);
        else if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight && most > 20) requestAnimationFrame(() => done([most, [...table.querySelectorAll('.row')].at(-1).getAttribute('aria-rowindex')]));
        else {
            scroller.scrollTop += 900;
            requestAnimationFrame(step);
        }
    }
    requestAnimationFrame(step);"""
"""Shows 1,000 workspaces and scrolls through them: returns how many rows were elements at once, and the last row's number."""

OVERVIEW_CHANGES = """const done = arguments[0];
    const address = performance.getEntriesByType('resource').map((one) => one.name).find((name) => name.endsWith('/overview.js'));
    import(address).then(({overview}) => done(overview.dispatchEvent(new Event('change'))));"""
"""Notifies the screen that the fleet's numbers are new."""

BROKEN = """const [part] = arguments;
    window.keptFetch = window.fetch;
    window.fetch = (address, options) => String(address).includes(part)
        ? Promise.resolve(new Response('{"error": "broken"}', {status: 500, headers: {'Content-Type': 'application/json'}})) : window.keptFetch(address, options);"""
"""Requests whose address has a part fail."""


class Failure(Exception):
    """A scenario found something else than it expects."""


class Platform:
    """The HTTP API, with the administrator's bearer."""

    def __init__(self, base: str, token: str):
        self.base = base.rstrip("/")
        self.token = token
        self.address = urlsplit(self.base)

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, object]:
        """One request; when there were too many, again after the time in the response."""
        status, answer = self.call_once(method, path, body, token)
        while status == 429 and isinstance(answer, dict) and "retry_after" in answer:
            threading.Event().wait(answer["retry_after"])
            status, answer = self.call_once(method, path, body, token)
        return status, answer

    def call_once(self, method: str, path: str, body: object, token: str | None) -> tuple[int, object]:
        connection = HTTPConnection(self.address.hostname, self.address.port or 80, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            is_json = "json" in (response.getheader("Content-Type") or "")
            return response.status, json.loads(text) if is_json and text else text
        finally:
            connection.close()

    def get(self, path: str) -> object:
        return self.expect(200, "GET", path)

    def expect(self, status: int, method: str, path: str, body: object = None, token: str | None = None) -> object:
        found, answer = self.call(method, path, body, token)
        if found != status:
            raise Failure(f"{method} {path} answered {found}, not {status}: {answer}")
        return answer


class Agent:
    """A workspace of the platform's with its agent: it echoes, is busy or breaks, as its `mode` says."""

    def __init__(self, platform: Platform, name: str):
        self.platform = platform
        self.name = f"{name} {uuid.uuid4().hex[:6]}"
        self.mode = "echo"
        self.received: list[dict] = []
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = agent.answer(call)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"
        created = platform.expect(201, "POST", "/workspaces", {"name": self.name, "external": True})
        self.id: str = created["id"]
        self.token: str = created["connection"]["auth_token"]
        registered = self.post("/registry/register", {"id": self.id, "url": self.url, "agent_card": self.card()})
        self.token = registered.get("auth_token", self.token)
        self.heartbeat()

    def card(self) -> dict:
        return {"name": self.name, "description": "Echoes", "version": "1.0.0", "url": self.url, "protocolVersion": "0.3.0"}

    def answer(self, call: dict) -> tuple[int, dict]:
        if self.mode == "busy":
            return 503, {"error": "busy"}
        if self.mode == "broken":
            return 500, {"error": "the tool broke"}
        message = call.get("params", {}).get("message", {})
        self.received.append(message)
        said = " ".join(part["text"] for part in message.get("parts", []) if "text" in part)
        parts = [{"kind": "text", "text": f"echo: {said}"}]
        parts += [part for part in message.get("parts", []) if "file" in part]
        return 200, {"jsonrpc": "2.0", "id": call.get("id"), "result": {"kind": "message", "role": "agent", "messageId": str(uuid.uuid4()), "parts": parts}}

    def post(self, path: str, body: dict) -> dict:
        return self.platform.expect(200, "POST", path, body, self.token)

    def heartbeat(self, **fields) -> None:
        self.post("/registry/heartbeat", {"workspace_id": self.id, "uptime_seconds": 60, **fields})

    def report(self, kind: str, summary: str) -> None:
        self.post(f"/workspaces/{self.id}/activity", {"activity_type": kind, "summary": summary})

    def send(self, text: str) -> dict:
        """Sends as a person would. Returns the body."""
        message = {"role": "user", "kind": "message", "messageId": str(uuid.uuid4()), "parts": [{"kind": "text", "text": text}]}
        body = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
        return self.platform.call("POST", f"/workspaces/{self.id}/a2a", body)[1]

    def queue_item(self, queue_id: str) -> dict:
        return self.platform.get(f"/queue/{queue_id}")

    def close(self) -> None:
        self.platform.call("DELETE", f"/workspaces/{self.id}?confirm=true")
        self.server.shutdown()


class Browser:
    """A headless Chromium on the console."""

    def __init__(self, base: str):
        self.base = base.rstrip("/")
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,1000", "--lang=en"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # Named: else selenium looks for one on the network.
        options.binary_location = which("chromium") or ""
        self.driver = webdriver.Chrome(options=options, service=Service(which("chromedriver")))
        # axe has much to check, and a slow machine takes its time for it.
        self.driver.set_script_timeout(300)
        self.requests: list[str] = []
        self.signed_in = ""
        """The token of the session that the browser has; empty for none."""

    # Finding

    def until(self, condition: Callable[[], object], what: str, timeout: float = TIMEOUT, every: float = 0.1):
        def met(_):
            try:
                return condition()
            except StaleElementReferenceException:
                return False

        try:
            return WebDriverWait(self.driver, timeout, poll_frequency=every).until(met)
        except TimeoutException:
            raise Failure(f"waited {timeout:g} s for {what}") from None

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, selector: str, text: str = "", timeout: float = TIMEOUT) -> WebElement:
        """The first visible element that the selector finds and that has the text."""

        def first():
            return next((one for one in self.all(selector) if one.is_displayed() and text in one.text), None)

        return self.until(first, f"{selector} with “{text}”" if text else selector, timeout)

    def read(self, selector: str, text: str = "", attribute: str = "") -> str:
        """The text of what `find` finds, or an attribute. Read as it is found: the page may build it anew at any time."""

        def found():
            element = self.find(selector, text)
            return element.get_attribute(attribute) if attribute else element.text

        return self.until(found, f"{attribute or 'text'} of {selector}")

    def gone(self, selector: str, text: str = "") -> None:
        self.until(lambda: not any(one.is_displayed() and text in one.text for one in self.all(selector)), f"{selector} “{text}” to go")

    def click(self, selector: str, text: str = "") -> None:
        def clicked():
            element = next((one for one in self.all(selector) if one.is_displayed() and text in one.text), None)
            if element is None:
                return False
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'}); arguments[0].focus(); arguments[0].click()", element)
            return True

        self.until(clicked, f"{selector} with “{text}” to click" if text else f"{selector} to click")

    def fill(self, selector: str, text: str) -> None:
        field = self.find(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def script(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def fetch(self, method: str, path: str, body: object = None) -> dict:
        """A request of the page itself, with its cookie. Returns `{status, type, text}`."""
        return self.driver.execute_async_script(
            """const [method, path, body, done] = arguments;
            fetch(path, {method, headers: body ? {'Content-Type': 'application/json'} : {}, body: body || undefined})
              .then(async (answer) => done({status: answer.status, type: answer.headers.get('Content-Type'), text: await answer.text()}),
                (error) => done({status: 0, text: String(error)}));""",
            method, path, None if body is None else json.dumps(body))

    # Going about

    @property
    def route(self) -> str:
        return self.script("return location.hash")

    def open(self, route: str) -> None:
        self.script("location.hash = arguments[0]", f"#/{route}")

    def reload(self) -> None:
        self.driver.refresh()

    def start(self) -> None:
        """The sign-in page, with nothing left of an earlier session."""
        self.driver.get(f"{self.base}/")
        self.driver.delete_all_cookies()
        self.script("localStorage.clear(); location.hash = ''")
        self.signed_in = ""
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/")
        self.find("#token")

    def sign_in(self, token: str) -> None:
        """A fresh page, signed in; with the session of before when it is this token's."""
        if self.signed_in == token:
            self.driver.get("about:blank")
            self.driver.get(f"{self.base}/")
        else:
            self.start()
            self.find("#token").send_keys(token, Keys.ENTER)
        self.find(".shell")
        self.live()
        self.signed_in = token

    def live(self) -> None:
        self.until(lambda: self.script("return document.querySelector('.live')?.dataset.state") == "live", "the live connection")

    # Diagnostics

    def collect_requests(self) -> None:
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                self.requests.append(message["params"]["url"].replace("ws", "http", 1))

    def complaints(self) -> list[str]:
        """What the console log has of errors; that a request was refused is no error of the page's."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"] and "ERR_" not in entry["message"] and "WebSocket connection" not in entry["message"]]

    def story(self) -> list[str]:
        """What the console log says, and the requests that are still without a response: for debugging a failure."""
        lines = [f"console: {entry['message']}" for entry in self.driver.get_log("browser")[-10:]]
        waiting: dict[str, str] = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            number = message["params"].get("requestId", "")
            if message["method"] == "Network.requestWillBeSent":
                waiting[number] = f"{message['params']['request']['method']} {message['params']['request']['url']}"
            elif message["method"] in ("Network.responseReceived", "Network.loadingFailed"):
                waiting.pop(number, None)
        return lines + [f"waits: {what}" for what in waiting.values()]

    def close(self) -> None:
        self.driver.quit()


class Walk:
    """What a scenario works with."""

    def __init__(self, base: str, token: str):
        self.token = token
        self.platform = Platform(base, token)
        self.browser = Browser(base)
        self.agents: list[Agent] = []

    def agent(self, name: str) -> Agent:
        self.agents.append(Agent(self.platform, name))
        return self.agents[-1]

    def sign_in(self) -> Browser:
        self.browser.sign_in(self.token)
        return self.browser

    def step(self, what: str) -> None:
        """Has the caller do something, and waits until it is done."""
        done = Path(os.environ["CONSOLE_WALK_STEPS"], what)
        print(f"STEP {what}", flush=True)
        self.browser.until(done.exists, f"the caller to do “{what}”", timeout=120)
        done.unlink()

    def clean(self) -> None:
        for agent in self.agents:
            agent.close()
        self.agents.clear()


SCENARIOS: dict[str, Callable[[Walk], None]] = {}


def scenario(function: Callable[[Walk], None]) -> Callable[[Walk], None]:
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


def check(is_met: object, why: str) -> None:
    if not is_met:
        raise Failure(why)


# Small things that several scenarios do


def fleet_row(browser: Browser, agent: Agent) -> str:
    return browser.read(".table-body .row", agent.name)


def chat(browser: Browser, agent: Agent) -> None:
    browser.open(f"workspace/{agent.id}")
    browser.find("h1", agent.name)
    browser.find(".composer textarea")


def say(browser: Browser, text: str) -> None:
    browser.find(".composer textarea").send_keys(text, Keys.ENTER)


def queued_message(agent: Agent, text: str) -> str:
    """A message that waits, as the agent is busy. Returns its id."""
    agent.mode = "busy"
    answer = agent.send(text)
    check(isinstance(answer, dict) and answer.get("queued"), f"the message was not queued: {answer}")
    return answer["queue_id"]


def failed_messages(browser: Browser, agent: Agent, *texts: str) -> list[str]:
    """Messages that were given up after five attempts each, side by side. Returns their ids."""
    ids = [queued_message(agent, text) for text in texts]
    agent.mode = "broken"
    for queue_id in ids:
        wait_for_status(browser, agent, queue_id, "failed")
    return ids


def wait_for_status(browser: Browser, agent: Agent, queue_id: str, status: str) -> None:
    """Heartbeats until the message is in the status, slowly enough for the rate limit."""

    def is_there() -> bool:
        found = agent.queue_item(queue_id)["status"]
        if found == "queued":
            agent.heartbeat()
        return found == status

    browser.until(is_there, f"the message to be {status}", 90, every=0.5)


def field(browser: Browser, fields: str, label: str) -> WebElement:
    """What is filled in below a label."""
    element = browser.find(fields, label)
    return element.find_element(By.CSS_SELECTOR, "input, select, textarea")


def fill_field(browser: Browser, fields: str, label: str, text: str) -> None:
    field(browser, fields, label).send_keys(Keys.CONTROL, "a", Keys.NULL, text)


def choose(browser: Browser, fields: str, label: str, value: str) -> None:
    browser.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))", field(browser, fields, label), value)


def open_message(browser: Browser, queue_id: str) -> None:
    browser.open(f"messages?open={queue_id}")
    browser.find(".drawer", queue_id)


# The scenarios


@scenario
def sign_in_and_out(walk: Walk) -> None:
    browser = walk.browser
    browser.start()
    browser.find("#token").send_keys("not a token", Keys.ENTER)
    browser.find(".form-error", "not valid")
    browser.sign_in(walk.token)
    stored = browser.script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
    check(walk.token not in stored, "the token is in the page's storage, in a cookie that scripts see, or in the address")
    check("switchyard_session" not in stored, "scripts can read the session")
    browser.reload()
    browser.find(".shell")
    browser.click('[aria-label="Sign out"]')
    browser.find("#token")
    browser.signed_in = ""
    check(browser.fetch("GET", "/admin/fleet")["status"] == 401, "the session works after signing out")


@scenario
def fleet(walk: Walk) -> None:
    """Live updates; filter and sort kept in the address."""
    agent = walk.agent("Fleet")
    browser = walk.sign_in()
    browser.find('[data-search]').send_keys(agent.name)
    browser.until(lambda: "online" in fleet_row(browser, agent), "the row to be online")
    browser.until(lambda: "q=" in browser.route, "the search in the address")
    agent.heartbeat(runtime_state="wedged", sample_error="the SDK is stuck")
    browser.until(lambda: "degraded" in fleet_row(browser, agent) and "the SDK is stuck" in fleet_row(browser, agent), "the row to become degraded by itself")
    agent.heartbeat(runtime_state="wedged", current_task="Counting", active_tasks=1)
    browser.until(lambda: "Counting" in fleet_row(browser, agent) and "1/1" in fleet_row(browser, agent), "task and load to change by themselves")
    browser.click(".strip .chip", "degraded")
    browser.until(lambda: "status=degraded" in browser.route, "the filter in the address")
    browser.click(".table-head button", "Heartbeat")
    browser.until(lambda: "sort=last_heartbeat_at" in browser.route, "the sort in the address")
    address = browser.route
    browser.reload()
    browser.find(".table-body .row", agent.name)
    check(browser.route == address, f"reloading changed the address to {browser.route}")
    check(browser.read('.table-head [aria-sort="ascending"]').startswith("Heartbeat"), "the sort is not shown after reloading")
    browser.driver.back()
    browser.until(lambda: "status=degraded" not in browser.route, "back to undo the filter")
    agent.heartbeat()
    browser.find(".table-body .row", agent.name)
    most, last = browser.driver.execute_async_script(SCROLL)
    check(most < 60, f"of 1,000 workspaces {most} were drawn at once")
    check(last == "1001", f"scrolling ended at row {last}")


@scenario
def bulk_actions(walk: Walk) -> None:
    """What was selected, or is all that a filter finds, is counted and listed before anything happens to it."""
    name = f"Bulk {uuid.uuid4().hex[:6]}"
    agents = [walk.agent(name) for _ in range(2)]
    browser = walk.sign_in()
    browser.find(".table-body .row", agents[0].name)
    browser.until(lambda: not any(one.is_displayed() for one in browser.all("[data-bulk]")), "nothing to be offered for all without selection and filter")
    browser.open(f"fleet?q={quote(name)}")
    browser.until(lambda: len(browser.all(".table-body .row")) == 2, "both rows")
    browser.click(".table-head .check input")
    browser.click(".bulk button", "Pause")
    plan = browser.read("dialog .plan")
    check(all(agent.name in plan for agent in agents), f"the question does not list both: {plan}")
    check(all(walk.platform.get(f"/workspaces/{agent.id}")["status"] == "online" for agent in agents), "the dry run changed something")
    browser.click("dialog .dialog-foot .primary", "Pause 2")
    browser.until(lambda: browser.find(".table-body").text.count("paused") == 2, "both to be paused")
    browser.find(".bulk", "All 2 that match")
    browser.click('[data-bulk="resume"]')
    browser.find('dialog [data-plan="2"]', "Resume 2 workspaces: of 2")
    check(all(agent.name in browser.read("dialog .plan") for agent in agents), "the question by filter does not list both")
    browser.click("dialog .dialog-foot button", "Go back")
    check(all(walk.platform.get(f"/workspaces/{agent.id}")["status"] == "paused" for agent in agents), "going back changed something")
    browser.click('[data-bulk="resume"]')
    browser.click("dialog .dialog-foot .primary", "Resume 2")
    browser.until(lambda: "paused" not in browser.find(".table-body").text, "both to be resumed")

    below = walk.platform.expect(201, "POST", "/workspaces", {"name": "Goes along", "external": True, "parent_id": agents[0].id})["id"]
    browser.open(f"fleet?q={quote(agents[0].name)}")
    browser.find(".bulk", "The one that matches")
    browser.click('[data-bulk="delete"]')
    browser.find('dialog [data-plan="2"]', "Delete 2 workspaces: of 1")
    check("Goes along" in browser.read("dialog .plan"), "the question does not list what is below")
    browser.click("dialog .dialog-foot button", "Delete 2")
    gone = lambda: all(walk.platform.get(f"/workspaces/{one}")["status"] == "removed" for one in (agents[0].id, below))
    browser.until(gone, "both to be deleted")


@scenario
def under_ones_hands(walk: Walk) -> None:
    """What a person types, stands on or has chosen is not taken away, or turned around, by what happens meanwhile."""
    agent = walk.agent("Hands")
    browser = walk.sign_in()
    browser.find(".table-body .row", agent.name)

    # In a window of a laptop's width.
    browser.driver.set_window_size(1280, 720)
    last = """const scroller = document.querySelector('.scroller');
        scroller.scrollLeft = 10000;
        return scroller.getBoundingClientRect().right - document.querySelector('.head-row').lastElementChild.getBoundingClientRect().right"""
    browser.until(lambda: browser.script(last) >= 0, "the last column to be in reach")
    browser.driver.set_window_size(1440, 900)

    field = browser.find('[aria-label="Runtime"]')
    field.send_keys("lang")
    browser.driver.execute_async_script(OVERVIEW_CHANGES)
    check(field.get_property("value") == "lang", "the numbers of the fleet have emptied a field that is being typed in")

    browser.script(BROKEN, "status=paused")
    browser.open("fleet?status=paused")
    browser.find(".notice", "The fleet could not be read")
    check(not any(row.is_displayed() for row in browser.all(".table-body .row")), "rows that do not match stand under a filter that could not be read")
    browser.script("window.fetch = window.keptFetch")
    browser.click(".notice button", "Try again")
    browser.gone(".notice", "The fleet could not be read")

    schedule = walk.platform.expect(201, "POST", f"/workspaces/{agent.id}/schedules", {"name": "hands", "cron_expr": "0 9 * * *", "prompt": "hello"})["id"]
    browser.open(f"schedules?q={quote(agent.name)}")
    browser.click(".table-body .row button", "Pause")
    browser.click(".table-body .row button", "Resume")
    is_enabled = lambda: next(one["enabled"] for one in walk.platform.get(f"/workspaces/{agent.id}/schedules") if one["id"] == schedule)
    browser.until(is_enabled, "the schedule to run again")

    walk.platform.expect(200, "PATCH", f"/workspaces/{agent.id}/budget", {"budget_limit": 1234})
    browser.open(f"workspace/{agent.id}?tab=access")
    browser.find(".facts", "12.34")
    browser.click(".block button", "Change")
    browser.find("dialog input:focus").send_keys(Keys.ENTER)
    browser.find(".toast", "The budget was changed")
    check(walk.platform.get(f"/workspaces/{agent.id}/budget")["budget_limit"] == 1234, "a budget that was only shown has changed")

    browser.click(".palette-button")
    browser.find(".palette input:focus").send_keys("go to audit", Keys.ENTER)
    browser.until(lambda: browser.route.startswith("#/audit"), "the command that was typed")

    agent.heartbeat(runtime_state="wedged", sample_error="under my hands")
    browser.open(f"events?workspace={agent.id}")
    browser.click(".table-body .row", "WORKSPACE_DEGRADED")
    browser.find(".drawer", "under my hands")
    browser.reload()
    browser.find(".drawer", "under my hands")

    agent.report("agent_log", "a line to show")
    browser.open(f"workspace/{agent.id}?tab=activity")
    browser.click("[data-feed] button", "a line to show")
    browser.find(".drawer", "a line to show")
    browser.reload()
    browser.find(".drawer", "a line to show")


@scenario
def new_workspace(walk: Walk) -> None:
    """Created in the console, connected with what it shows once; then its secrets, tokens and budget."""
    name = f"Contracts {uuid.uuid4().hex[:6]}"
    parent = walk.agent("Parent")
    browser = walk.sign_in()
    browser.click(".screen-head button", "New workspace")
    form = '[data-form="workspace"]'
    browser.find("dialog input:focus").send_keys(f"{name}{{")
    fill_field(browser, f"{form} .field", "Role", "Reads contracts")
    choose(browser, f"{form} .field", "Where its agent runs", "external")
    fill_field(browser, f"{form} .field", "Parent", parent.id)
    browser.click("dialog .dialog-foot .primary", "Create")
    browser.find(".toast.bad", "name must not contain")
    fill_field(browser, f"{form} .field", "Name", name)
    browser.click("dialog .dialog-foot .primary", "Create")
    token = browser.read("dialog .secret code")
    details = browser.read("dialog .facts")
    check("/registry/register" in details and "/registry/heartbeat" in details, f"it does not say how to connect: {details}")
    check(not browser.all(".toast.bad"), "the error of before is still there")
    browser.click("dialog .dialog-foot .primary")
    browser.find("h1", name)
    browser.find(".trail", parent.name)
    new = browser.route.split("/")[2].split("?")[0]
    check(token not in browser.script("return document.documentElement.outerHTML + location.href"), "the token is still shown")
    made = walk.platform.get(f"/workspaces/{new}")
    check(made["role"] == "Reads contracts" and made["parent_id"] == parent.id, f"it was created otherwise: {made}")
    card = {"name": name, "url": parent.url, "version": "1", "protocolVersion": "0.3.0"}
    walk.platform.expect(200, "POST", "/registry/register", {"id": new, "url": parent.url, "agent_card": card}, token)
    browser.find("h1 + * status-pill", "online")

    browser.click('[role="tab"]', "Access")
    secret = f"swordfish {uuid.uuid4().hex}"
    browser.click(".block-head button", "Set a secret")
    fill_field(browser, "dialog .field", "Name", "API_KEY")
    fill_field(browser, "dialog .field", "Value", secret)
    browser.click("dialog .dialog-foot .primary", "Set")
    browser.find("td", "API_KEY")
    browser.click("td button", "Replace")
    check(browser.find("dialog input").get_attribute("value") == "API_KEY" and not browser.find("dialog textarea").get_attribute("value"), "the form of replacing shows something else than the name")
    browser.find("dialog textarea:focus").send_keys(secret, "2")
    browser.click("dialog .dialog-foot .primary", "Replace")
    browser.gone("dialog")
    check(walk.platform.expect(200, "GET", f"/workspaces/{new}/secrets/values", token=token).get("API_KEY") == f"{secret}2", "the secret was not replaced")
    check(secret not in browser.script("return document.documentElement.outerHTML"), "the value of the secret is shown")
    browser.click("td button", "Remove")
    browser.click("dialog .dialog-foot .danger")
    browser.find(".block", "There is no secret")
    browser.click(".block-head button", "Issue a token")
    issued = browser.read("dialog .secret code")
    browser.click("dialog .dialog-foot .primary")
    browser.find("td code", issued[:8])
    check(len(browser.all("td code")) == 2, "not both tokens are listed")

    def revoke() -> bool:
        row = next(one for one in browser.all("tr") if issued[:8] in one.text)
        browser.script("arguments[0].click()", row.find_element(By.TAG_NAME, "button"))
        return True

    browser.until(revoke, "the token's button")
    browser.click("dialog .dialog-foot .danger")
    browser.until(lambda: walk.platform.call("GET", f"/workspaces/{new}/tokens", token=issued)[0] == 401, "the token to be refused")
    browser.click(".block-head button", "Change")
    browser.find("dialog input:focus").send_keys("12.50")
    browser.click("dialog .dialog-foot .primary", "Save")
    browser.find(".block .facts", "12.50")
    check(walk.platform.get(f"/workspaces/{new}/budget")["budget_limit"] == 1250, "the ceiling is another one")


@scenario
def chat_with_attachment(walk: Walk) -> None:
    agent = walk.agent("Chat")
    browser = walk.sign_in()
    chat(browser, agent)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures (1).csv"
        path.write_text("a,b\n1,2\n")
        browser.script("document.querySelector('.composer input[type=file]').hidden = false")
        browser.driver.find_element(By.CSS_SELECTOR, ".composer input[type=file]").send_keys(str(path))
        browser.find(".chips", "figures")
        say(browser, "Read this.")
        browser.find(".bubble.agent", "echo: Read this.")
    link = browser.read(".bubble.agent a.file", attribute="href")
    sent = [part["file"] for part in agent.received[-1]["parts"] if "file" in part]
    check(sent and sent[0]["uri"].startswith("workspace:"), f"the agent got no file: {agent.received[-1]}")
    answer = browser.fetch("GET", link)
    check(answer["status"] == 200 and answer["text"] == "a,b\n1,2\n", f"the download is another file: {answer}")


@scenario
def queued_then_delivered(walk: Walk) -> None:
    """A 202 says its place in the queue, and becomes the response where it stands."""
    agent = walk.agent("Queue")
    browser = walk.sign_in()
    chat(browser, agent)
    agent.mode = "busy"
    say(browser, "When you have time.")
    key = browser.read('[data-entry="queued"]', "position 1", attribute="data-key")
    agent.mode = "echo"
    agent.heartbeat()
    browser.find(f'[data-key="{key}"][data-entry="answered"]', "echo: When you have time.")
    check(len(browser.all(f'[data-key="{key}"]')) == 1, "the message is there twice")
    agent.mode = "busy"
    say(browser, "Once more.")
    browser.find('[data-entry="queued"]', "Once more.")
    browser.reload()
    browser.find('[data-entry="queued"]', "position 1")
    agent.mode = "echo"
    agent.heartbeat()
    browser.find('[data-entry="answered"]', "echo: Once more.")


@scenario
def degraded_banner(walk: Walk) -> None:
    agent = walk.agent("Degraded")
    browser = walk.sign_in()
    chat(browser, agent)
    agent.heartbeat(runtime_state="wedged", sample_error="control request timeout: initialize")
    browser.find('[data-banner="degraded"]', "control request timeout: initialize")
    agent.heartbeat()
    browser.gone('[data-banner="degraded"]')


@scenario
def schedules(walk: Walk) -> None:
    """Create with a preview, run now."""
    agent = walk.agent("Schedule")
    browser = walk.sign_in()
    browser.open(f"workspace/{agent.id}?tab=schedules")
    browser.click("button", "New schedule")
    name = f"morning {uuid.uuid4().hex[:6]}"
    form = '[data-form="schedule"]'
    browser.fill(f"{form} input.mono", "61 9 * * *")
    browser.find('[data-preview="error"]')
    browser.fill(f"{form} input.mono", "0 9 * * *")
    browser.fill(f'{form} input[list="zones"]', "Europe/Berlin")
    browser.find('[data-preview="ok"]', "09:00")
    browser.until(lambda: len(browser.all('[data-preview="ok"] li')) == 5, "five runs in the preview")
    browser.until(lambda: any(zone in browser.read('[data-preview="ok"]') for zone in ("GMT", "CE")), "the runs in the zone chosen")
    fill_field(browser, f"{form} .field", "Name", name)
    browser.fill(f"{form} textarea", "Say good morning.")
    browser.click(".dialog-foot button", "Create")
    browser.find(".table-body .row", name)
    browser.click('.table-body .row [data-act="run"]')
    browser.until(lambda: any("Say good morning." in json.dumps(message) for message in agent.received), "the agent to be notified")
    browser.open("schedules")
    browser.find("[data-search]").send_keys(name)
    browser.until(lambda: "ok" in browser.find(".table-body .row", name).text and browser.all(".row .run"), "the run in the strip")


@scenario
def retry_and_cancel(walk: Walk) -> None:
    """One, and many by a filter with the count of its dry run."""
    agent = walk.agent("Retry")
    browser = walk.sign_in()
    failed, again = failed_messages(browser, agent, "Break, please.", "Break once more.")
    open_message(browser, failed)
    browser.find(".drawer .timeline")
    check("Break, please." not in browser.read(".drawer"), "the body is shown without being asked for")
    browser.click('.drawer [data-act="body"]')
    browser.find(".drawer", "Break, please.")
    agent.mode = "echo"
    browser.click('.drawer [data-act="retry"]')
    wait_for_status(browser, agent, failed, "completed")
    browser.find(".drawer status-pill", "delivered")
    browser.open(f"messages?target={agent.id}&state=failed")
    browser.find(".table-body .row", "failed")
    browser.click('[data-bulk="retry"]')
    browser.find('dialog [data-plan="1"]')
    check(agent.queue_item(again)["status"] == "failed", "the dry run changed something")
    browser.click("dialog .dialog-foot .primary")
    wait_for_status(browser, agent, again, "completed")

    waiting = queued_message(agent, "Never mind.")
    open_message(browser, waiting)
    browser.click('.drawer [data-act="cancel"]')
    browser.click("dialog .dialog-foot button", "Go back")
    check(agent.queue_item(waiting)["status"] == "queued", "the button that keeps the message took it out")
    browser.click('.drawer [data-act="cancel"]')
    browser.click("dialog .dialog-foot .danger")
    browser.until(lambda: agent.queue_item(waiting)["status"] == "dropped", "the message to be dropped")

    many = [queued_message(agent, f"Many {number}") for number in range(3)]
    browser.open("messages")
    browser.find(".table-body .row")
    browser.until(lambda: not any(one.is_displayed() for one in browser.all("[data-bulk]")), "nothing to be offered for all without a filter")
    browser.open(f"messages?target={agent.id}&state=waiting,retrying")
    browser.until(lambda: len(browser.all(".table-body .row")) == 3, "the three that wait")
    browser.click('[data-bulk="cancel"]')
    browser.find('dialog [data-plan="3"]')
    check(all(agent.queue_item(one)["status"] == "queued" for one in many), "the dry run changed something")
    browser.click("dialog .dialog-foot .danger", "Cancel 3")
    browser.until(lambda: all(agent.queue_item(one)["status"] == "dropped" for one in many), "all three to be dropped")


@scenario
def dead_letter(walk: Walk) -> None:
    browser = walk.sign_in()
    walk.step("dead-letter")
    browser.open("messages?tab=dead_letters")
    number = browser.read(".table-body .row", attribute="data-key")
    browser.click(f'.table-body .row[data-key="{number}"]')
    browser.find(".drawer summary", "Body")
    before = walk.platform.get(f"/admin/dead-letters/{number}")["message"]["replay_count"]
    browser.click('.drawer [data-act="replay"]')
    browser.until(lambda: walk.platform.get(f"/admin/dead-letters/{number}")["message"]["replay_count"] == before + 1, "the replay to be counted")
    browser.until(lambda: "never" not in browser.find(".drawer .facts").text, "the replay to be shown")
    browser.click('.drawer [data-act="discard"]')
    browser.click("dialog .dialog-foot .danger")
    browser.until(lambda: walk.platform.call("GET", f"/admin/dead-letters/{number}")[0] == 404, "the dead letter to be gone")


@scenario
def audit(walk: Walk) -> None:
    agent = walk.agent("Audit")
    browser = walk.sign_in()
    browser.open(f"workspace/{agent.id}")
    browser.click('[data-action="pause"]')
    browser.click("dialog .dialog-foot .primary", "Pause")
    browser.find("h1 + * status-pill", "paused")

    def is_kept() -> bool:
        entries = walk.platform.get(f"/admin/audit?action=pause&target={agent.id}")["entries"]
        return bool(entries) and all(entry["result"] != "unknown" for entry in entries)

    # How it ended is written after the response.
    browser.until(is_kept, "the result to be kept")
    browser.open(f"audit?action=pause&target={agent.id}")
    row = browser.read(".table-body .row", "/pause")
    check("ok" in row, f"the entry has no result: {row}")
    link = browser.read('[data-act="csv"]', attribute="href")
    answer = browser.fetch("GET", link)
    check(answer["status"] == 200 and "text/csv" in answer["type"], f"the export is no CSV: {answer['status']} {answer['type']}")
    check(agent.id in answer["text"] and "pause" in answer["text"], "the export lacks the entry")


@scenario
def viewer(walk: Walk) -> None:
    """Reads everything, is offered nothing that changes something, and is refused."""
    agent = walk.agent("Viewer")
    issued = walk.platform.expect(201, "POST", "/org/tokens", {"name": "walk viewer", "role": "viewer"})
    browser = walk.browser
    browser.sign_in(issued["auth_token"])
    browser.open(f"workspace/{agent.id}")
    browser.find("h1", agent.name)
    browser.find(".composer", "operator")
    check(not browser.all(".composer textarea, [data-action]"), "a viewer is offered to act on a workspace")
    for place in ("fleet?status=online", "messages?state=failed", "messages?tab=dead_letters", "schedules", "health", "settings", f"workspace/{agent.id}?tab=access"):
        browser.open(place)
        browser.find("h1")
        browser.until(lambda: not browser.all(".loading"), f"{place} to be read")
        words = browser.script("return [...document.querySelectorAll('main button')].map((one) => one.innerText.trim())")
        offered = [one for one in words if one.startswith(("New ", "Retry", "Cancel", "Expire", "Run now", "Pause", "Issue", "Revoke", "Remove", "Release", "Replay", "Discard", "Change", "Set ", "Replace", "Resume", "Restart", "Hibernate", "Delete"))]
        check(not offered, f"a viewer is offered on {place}: {offered}")
        check(not browser.all(".notice.bad"), f"a viewer cannot read {place}")
    answer = browser.fetch("POST", f"/workspaces/{agent.id}/pause")
    check(answer["status"] == 403 and "read-only token" in answer["text"], f"a viewer may pause: {answer}")
    walk.platform.call("DELETE", f"/org/tokens/{issued['id']}")


@scenario
def platform_down(walk: Walk) -> None:
    """A plain page that says so, and the same place again afterwards."""
    agent = walk.agent("Down")
    browser = walk.sign_in()
    chat(browser, agent)
    browser.find(".composer textarea").send_keys("a draft")
    address = browser.route
    walk.step("platform-down")
    browser.script("location.hash = arguments[0]", "#/messages?state=failed")
    browser.find(".down", "The platform is down")
    browser.find(".down-next")
    walk.step("platform-up")
    browser.gone(".down")
    browser.find("h1", "Messages")
    check(browser.route == "#/messages?state=failed", f"it came back elsewhere: {browser.route}")
    browser.until(lambda: not browser.all("main .notice.bad"), "the list to be read")
    browser.live()
    browser.script("location.hash = arguments[0]", address)
    browser.find("h1", agent.name)


@scenario
def resume(walk: Walk) -> None:
    """After the notifier was restarted, nothing is missing and nothing there twice."""
    agent = walk.agent("Resume")
    browser = walk.sign_in()
    browser.open(f"events?workspace={agent.id}&type=WORKSPACE_PAUSED")
    browser.find("h1", "Events")
    walk.platform.expect(200, "POST", f"/workspaces/{agent.id}/pause")
    browser.until(lambda: len(browser.all(".table-body .row")) == 1, "the first event")
    walk.platform.expect(200, "POST", f"/workspaces/{agent.id}/resume")
    browser.script("""window.__states = []; new MutationObserver(() => window.__states.push(document.querySelector('.live').dataset.state))
        .observe(document.querySelector('.live'), {attributes: true})""")
    walk.step("restart-notifier")
    walk.platform.expect(200, "POST", f"/workspaces/{agent.id}/pause")
    browser.until(lambda: "reconnecting" in browser.script("return window.__states"), "the break to be shown")
    browser.live()
    browser.until(lambda: len(browser.all(".table-body .row")) >= 2, "the second event")
    check(len(browser.all(".table-body .row")) == 2, "an event is there twice")


@scenario
def activity(walk: Walk) -> None:
    """20 lines, what repeats in one, older ones on request."""
    agent = walk.agent("Activity")
    for number in range(30):
        agent.report("task_update", f"Step {number}")
    for _ in range(7):
        agent.report("agent_log", "Polling the mailbox")
    browser = walk.sign_in()
    browser.open(f"workspace/{agent.id}?tab=activity")
    browser.until(lambda: len(browser.all("[data-feed] li")) == 20, "20 lines")
    first = browser.read("[data-feed] li")
    check("Polling the mailbox" in first and "× 7" in first, f"repetitions are not one line: {first}")
    browser.click(".more button", "Older")
    browser.find("[data-feed] li", "Step 0")
    agent.report("task_update", "And done")
    browser.open(f"workspace/{agent.id}?tab=activity&type=task_update")
    browser.find("[data-feed] li", "And done")
    browser.gone("[data-feed] li", "Polling")


@scenario
def pushed_message(walk: Walk) -> None:
    """What was pushed shows at once, and again after a reload."""
    agent = walk.agent("Push")
    browser = walk.sign_in()
    chat(browser, agent)
    attachment = {"uri": "workspace:/workspace/report.txt", "name": "report.txt", "mimeType": "text/plain", "size": 12}
    agent.post(f"/workspaces/{agent.id}/notify", {"message": "The report is ready.", "attachments": [attachment]})
    browser.find('[data-entry="push"]', "The report is ready.")
    agent.post(f"/workspaces/{agent.id}/notify", {"message": "And the figures."})
    browser.find('[data-entry="push"]', "And the figures.")
    browser.reload()
    entry = browser.read('[data-entry="push"]', "The report is ready.")
    check("report.txt" in entry, "the attachment is gone after reloading")
    check(len(browser.all('[data-entry="push"]')) == 2, "a pushed message is there twice")


@scenario
def hostile_texts(walk: Walk) -> None:
    """Nothing that comes from agents is markup or runs."""
    agent = walk.agent("Hostile <b")
    card = {**agent.card(), "description": HOSTILE, "documentationUrl": "javascript:window.__owned=1", "provider": {"organization": HOSTILE, "url": "javascript:window.__owned=1"}}
    agent.post("/registry/update-card", {"workspace_id": agent.id, "agent_card": card})
    agent.heartbeat(runtime_state="wedged", sample_error=HOSTILE, current_task=HOSTILE, active_tasks=1)
    agent.report("error", HOSTILE)
    attachment = {"uri": "javascript:window.__owned=1", "name": HOSTILE[:200]}
    agent.post(f"/workspaces/{agent.id}/notify", {"message": f"{HOSTILE}\n```\n{HOSTILE}\n```\n- [x](javascript:alert(1)) https://example.test/{HOSTILE}", "attachments": [attachment]})
    agent.send(HOSTILE)
    queue_id = queued_message(agent, HOSTILE)
    browser = walk.sign_in()
    for place in ("fleet", "events", "messages", f"messages?open={queue_id}", *(f"workspace/{agent.id}?tab={tab}" for tab in ("chat", "activity", "queue", "delegations", "schedules", "access"))):
        browser.open(place)
        browser.find("h1")
        browser.until(lambda: not browser.all(".loading"), f"{place} to be read")
        if "tab=chat" in place:
            browser.find(".entry", "onerror")
        check(not browser.script("return window.__owned"), f"a text ran on {place}")
        check(not browser.all("main img, main script, main iframe, side-drawer img, side-drawer script"), f"a text became markup on {place}")
        links = browser.script("return [...document.querySelectorAll('main a[href], side-drawer a[href]')].map((one) => [one.href, one.rel])")
        for address, relation in links:
            check(address.startswith(("http://", "https://")), f"a link on {place} leads to {address}")
            is_outward = not address.startswith(browser.base)
            check(not is_outward or "noopener" in relation, f"{address} opens without noopener")


@scenario
def same_origin(walk: Walk) -> None:
    """No request leaves the origin."""
    browser = walk.sign_in()
    for place in ("fleet", "messages", "messages?tab=dead_letters", "schedules", "events", "health", "audit", "settings"):
        browser.open(place)
        browser.find("h1")
    browser.collect_requests()
    foreign = {url for url in browser.requests if not url.startswith((f"{browser.base}/", "data:", "chrome:", "about:", "blob:"))}
    check(not foreign, f"requests left the origin: {sorted(foreign)[:5]}")
    check(any(url.startswith(f"{browser.base}/ws") for url in browser.requests), "there was no stream")
    check(not any(quote(walk.token) in url or walk.token in url for url in browser.requests), "the token was in an address")


@scenario
def weight(walk: Walk) -> None:
    """All files together, and when the first content is there."""
    browser = walk.sign_in()
    sizes = browser.script("""const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter((one) => one.name.includes('/console/assets/'))];
        return all.map((one) => [one.name, one.decodedBodySize])""")
    total = sum(size for _, size in sizes)
    check(len(sizes) > 5 and total > 10000, f"the files were not measured: {sizes}")
    check(total <= HEAVIEST, f"the pages weigh {total} bytes, more than {HEAVIEST}")

    def first_content() -> float:
        browser.reload()
        browser.find(".shell")
        return browser.until(lambda: browser.script("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"), "the first content")

    # What is asked for is a second on a normal machine; this one may be slow.
    fastest = min(first_content() for _ in range(5))
    check(fastest < 3000, f"the first content came after {fastest:.0f} ms")


@scenario
def accessibility(walk: Walk) -> None:
    """No violation that axe finds, on every screen in both themes."""
    agent = walk.agent("Axe")
    agent.heartbeat(runtime_state="wedged", sample_error="stuck")
    agent.report("agent_log", "hello")
    agent.post(f"/workspaces/{agent.id}/notify", {"message": "`code` and https://example.test/ and\n```\nlines\n```"})
    agent.send("hello")
    queue_id = queued_message(agent, "wait")
    walk.platform.expect(201, "POST", f"/workspaces/{agent.id}/schedules", {"name": "axe", "cron_expr": "0 9 * * *", "prompt": "hello"})
    browser = walk.browser
    browser.start()
    violations("sign in", browser)
    browser.sign_in(walk.token)
    walk.platform.expect(200, "PUT", f"/workspaces/{agent.id}/secrets", {"key": "API_KEY", "value": "swordfish"})
    places = [f"fleet?q={quote(agent.name)}", "fleet?status=paused&q=nothing-has-this-name", "messages", f"messages?open={queue_id}", "messages?tab=dead_letters", "schedules", "events", "health", "audit", "settings", "workspace/00000000-0000-4000-8000-000000000000"]
    places += [f"workspace/{agent.id}?tab={tab}" for tab in ("chat", "activity", "queue", "delegations", "schedules", "access")]
    for theme in ("light", "dark"):
        browser.script("localStorage.setItem('switchyard.theme', arguments[0])", theme)
        browser.reload()
        for place in places:
            browser.open(place)
            browser.find("h1")
            browser.until(lambda: not browser.all(".loading"), f"{place} to be read")
            violations(f"{place} ({theme})", browser, theme)
        # The workspace's Access tab is open now.
        for place, opening, word, shown in (
            (browser.route[2:], ".block-head button", "Set a secret", "dialog textarea"),
            ("schedules", "button", "New schedule", '[data-preview="ok"]'),
            (f"fleet?q={quote(agent.name)}", "button", "New workspace", '[data-form="workspace"]'),
            (f"fleet?q={quote(agent.name)}", '[data-bulk="pause"]', "Pause", "dialog .plan"),
        ):
            browser.open(place)
            browser.click(opening, word)
            browser.find(shown)
            violations(f"the dialog of “{word}” ({theme})", browser, theme)
            browser.find("dialog").send_keys(Keys.ESCAPE)
            browser.gone("dialog")
        browser.click(".palette-button")
        browser.find(".palette li", "Go to Fleet")
        violations(f"the palette ({theme})", browser, theme)
        browser.find(".palette input").send_keys(Keys.ESCAPE)
        browser.gone("dialog")


@cache
def axe_source() -> str:
    """axe-core as the package axe-playwright-python brings it; nothing else of that package is used."""
    spec = find_spec("axe_playwright_python")
    if spec is None or not spec.submodule_search_locations:
        raise Failure("axe-playwright-python is not installed: it brings axe-core")
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text()


def violations(place: str, browser: Browser, theme: str = "light") -> None:
    """Every rule in the light theme; in the dark one that of contrast, since nothing else can differ."""
    rules = {"runOnly": ["color-contrast"]} if theme == "dark" else {}
    # Once for a page: it is half a megabyte.
    if not browser.script("return Boolean(window.axe)"):
        browser.script(axe_source())
    result = browser.driver.execute_async_script("const [rules, done] = arguments; axe.run({resultTypes: ['violations'], ...rules}).then(done, (error) => done({failed: String(error)}))", rules)
    check("violations" in result, f"axe did not run on {place}: {result}")
    found = [f"{one['id']} ({one['help']}): {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}" for one in result["violations"]]
    check(not found, f"axe on {place}: " + "; ".join(found))


def main(arguments: list[str]) -> int:
    if arguments == ["--list"]:
        print("\n".join(SCENARIOS))
        return 0
    if len(arguments) < 2 or any(name not in SCENARIOS for name in arguments[2:]):
        print(__doc__, file=sys.stderr)
        return 2
    base, token, *names = arguments
    walk = Walk(base, token)
    failures = 0
    try:
        for name in names or SCENARIOS:
            try:
                SCENARIOS[name](walk)
                complaints = walk.browser.complaints()
                check(not complaints, f"the console log has errors: {complaints[:3]}")
            except Exception as error:  # whatever went wrong, the scenario has failed
                if not isinstance(error, Failure):
                    traceback.print_exc()
                print(f"FAILED {name}: {error}", file=sys.stderr, flush=True)
                for line in walk.browser.story():
                    print(f"  {line}", file=sys.stderr, flush=True)
                if folder := os.environ.get("CONSOLE_WALK_SCREENSHOTS"):
                    walk.browser.driver.save_screenshot(str(Path(folder) / f"{name}.png"))
                failures += 1
            else:
                print(f"ok {name}", flush=True)
            finally:
                walk.clean()
    finally:
        walk.browser.close()
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
