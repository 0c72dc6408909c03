"""A plain client that makes the same call over kept connections, in a process of its own.

It needs nothing but the standard library, and takes as little of the machine as it can:

    python http_caller.py PORT PATH KEY CALLS CONNECTIONS < body
    {"seconds": ..., "statuses": {"202": ...}, "times": [...]}
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections import Counter

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Line:
    """One connection, and how long each of its calls took."""

    def __init__(self, port: int, call: bytes, calls: int) -> None:
        self.call = call
        self.calls = calls
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        for _ in range(self.calls):
            began = time.perf_counter()
            self.socket.sendall(self.call)
            status = self._answer()
            self.times.append(time.perf_counter() - began)
            self.statuses[status] += 1

    def _answer(self) -> str:
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        length = LENGTH.search(found, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        size = len(found)
        while size < whole:
            size += len(self._more())
        return found[9:12].decode()

    def _more(self) -> bytes:
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("The server ended the connection.")
        return data


def main() -> None:
    port, path, key, calls, connections = sys.argv[1:]
    body = sys.stdin.buffer.read()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    number = int(connections)
    lines = [Line(int(port), head.encode() + body, int(calls) // number) for _ in range(number)]
    threads = [threading.Thread(target=line.run) for line in lines]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    statuses = sum((line.statuses for line in lines), Counter())
    times = [taken for line in lines for taken in line.times]
    json.dump({"seconds": seconds, "statuses": statuses, "times": times}, sys.stdout)


if __name__ == "__main__":
    main()
