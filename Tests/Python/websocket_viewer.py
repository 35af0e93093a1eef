"""Looks on at events over a WebSocket with the `websockets` package, which knows nothing of the platform.

Arguments: the URL; then, each optional, `--header NAME=VALUE` (repeatable), `--origin ORIGIN`, and `--flaky`, which hangs
up at random after a few messages and comes back where it left off, for ever. Prints a line of JSON a message, and one
when the connection ends: `{"closed": code}`, or `{"refused": status}` when it was never made.
"""

import argparse
import asyncio
import json
import random
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException


def show(value) -> None:
    print(json.dumps(value), flush=True)


async def watch(url: str, headers: list[tuple[str, str]], origin: str | None) -> None:
    try:
        async with connect(url, additional_headers=headers, origin=origin, compression="deflate") as socket:
            show({"open": True, "extensions": [extension.name for extension in socket.protocol.extensions]})
            async for message in socket:
                show(json.loads(message))
            show({"closed": socket.close_code})
    except InvalidStatus as refusal:
        show({"refused": refusal.response.status_code})
    except ConnectionClosed as end:
        show({"closed": end.rcvd.code if end.rcvd else None})


async def watch_flakily(url: str, headers: list[tuple[str, str]]) -> None:
    position = 0
    while True:
        try:
            place = urlencode({"since": position})
            async with connect(f"{url}?{place}", additional_headers=headers, close_timeout=0.2) as socket:
                # Hangs up in the midst of what comes, at times without a word.
                for _ in range(random.randint(1, 30)):
                    message = json.loads(await asyncio.wait_for(socket.recv(), timeout=2))
                    position = message.get("id", position)
                    show(message)
                if random.random() < 0.5:
                    socket.transport.abort()
        except (WebSocketException, OSError, TimeoutError):
            # The service is restarting, or has nothing to say.
            await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--origin")
    parser.add_argument("--flaky", action="store_true")
    arguments = parser.parse_args()
    headers = [tuple(header.split("=", 1)) for header in arguments.header]
    if arguments.flaky:
        asyncio.run(watch_flakily(arguments.url, headers))
    else:
        asyncio.run(watch(arguments.url, headers, arguments.origin))


main()
