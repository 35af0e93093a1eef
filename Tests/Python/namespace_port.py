"""Brings an address of another network namespace to this one's loopback.

Its arguments are the namespace's file, the host and the port there, and the port to listen on here until it is killed.
"""

import asyncio
import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
away = os.open(sys.argv[1], os.O_RDONLY)


def enter(namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def socket_there() -> socket.socket:
    # A socket belongs to the namespace in which it was made.
    enter(away)
    try:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    finally:
        enter(home)
    made.setblocking(False)
    return made


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(host: str, port: int, here: int) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = socket_there()
        try:
            await asyncio.get_running_loop().sock_connect(there, (host, port))
        except OSError:
            there.close()
            # As if nothing listened.
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(sock=there)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        far_writer.close()
        writer.close()

    await asyncio.start_server(connect, "127.0.0.1", here)


async def main() -> None:
    await serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    await asyncio.Event().wait()


asyncio.run(main())
