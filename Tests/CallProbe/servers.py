"""A DNS server that changes its mind, and HTTP servers at the addresses that it names.

Notes in <folder>/queries which addresses were asked for, and in <folder>/connections which server was connected to.
"""

import http.server
import os
import re
import socket
import ssl
import struct
import sys
import threading
from collections import Counter

PUBLIC, PRIVATE = "93.184.216.34", "10.99.0.1"
# By the beginning of the name: its IPv4 addresses at the first query and at the later ones, and its IPv6 addresses.
NAMES = {
    "staying": ([PUBLIC], [PUBLIC], []),
    "flip": ([PUBLIC], [PRIVATE], []),
    "private": ([PRIVATE], [PRIVATE], []),
    "mixed": ([PUBLIC, PRIVATE], [PUBLIC, PRIVATE], []),
    "loopback": (["127.0.0.1"], ["127.0.0.1"], []),
    "metadata": (["169.254.169.254"], ["169.254.169.254"], []),
    "mapped": ([], [], ["::ffff:" + PRIVATE]),
    "hidden": ([PUBLIC], [PUBLIC], ["::ffff:" + PRIVATE]),
}
IPV4, IPV6 = 1, 28
folder = sys.argv[1]


def note(file: str, line: str) -> None:
    with open(os.path.join(folder, file), "a", encoding="ascii") as log:
        log.write(line + "\n")


def records(name: str, kind: int, seen: Counter) -> list[bytes]:
    first, later, six = NAMES[re.split(r"[-.]", name)[0]]
    if kind == IPV6:
        return [socket.inet_pton(socket.AF_INET6, address) for address in six]
    seen[name] += 1
    note("queries", name)
    return [socket.inet_aton(address) for address in (first if seen[name] == 1 else later)]


def answer(query: bytes, seen: Counter) -> bytes:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1:at + 1 + length].decode())
        at += 1 + length
    kind, = struct.unpack_from("!H", query, at + 1)
    found = records(".".join(labels).lower(), kind, seen) if kind in (IPV4, IPV6) else []
    head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(found), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data for data in found)
    return head + query[12:at + 5] + body


def serve_names() -> None:
    seen: Counter = Counter()
    while True:
        query, sender = names.recvfrom(512)
        names.sendto(answer(query, seen), sender)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.label.encode())

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, address: str, port: int, label: str, context: ssl.SSLContext | None):
        self.label, self.context = label, context
        super().__init__((address, port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        connection, peer = super().get_request()
        # Noted at the connection itself, whether anything is sent over it or not.
        note("connections", f"{self.label} {self.server_port}")
        return connection, peer

    def finish_request(self, request, client_address):
        try:
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except OSError:
            pass


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/certificate.pem", folder + "/key.pem")
for label, address in (("public", PUBLIC), ("private", PRIVATE), ("loopback", "127.0.0.1")):
    Server(address, 8080, label, None)
    Server(address, 8443, label, tls)
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
for file in ("queries", "connections", "ready"):
    with open(os.path.join(folder, file), "w", encoding="ascii"):
        pass
serve_names()
