"""A loopback HTTP server that gives the answers it was told, well-behaved or not.

    with HttpServer(Answer(202, headers={"X-Message-Id": "abc"})) as server:
        ...
        assert server.requests[0].json["subject"] == "Hello"

The last answer is given to all further requests. An answer may be a function of the request. A
manner says how an answer is given; RAW sends the body as it is, in place of an answer.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

USUAL, HANG, DRIP_HEAD, DRIP_BODY, FLOOD_HEAD, FLOOD_BODY, CLOSE, STOP_READING = range(8)
RESET, CUT_BODY, CLOSE_AFTER, CHUNKED, TEAR, RAW = range(8, 14)
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass
class Answer:
    status: int = 200
    body: Any = b""  # bytes, or what becomes JSON
    headers: dict[str, str] = field(default_factory=dict)
    manner: int = USUAL
    delay: float = 0.0  # seconds before it


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpServer:
    def __init__(self, *answers: Answer | Callable[[Request], Answer], tls=None) -> None:
        self.answers = list(answers) or [Answer()]
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> HttpServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def answer_to(self, request: Request, answer: Answer) -> Answer:
        """What is answered, once the request has been read."""
        return answer

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as file:
                while self._one(sock, file):
                    pass

    def _one(self, sock: socket.socket, file) -> bool:
        line = file.readline().decode()
        if not line:
            return False
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Answer) and answer.manner == STOP_READING:
            self.stopping.wait(20)
            return False
        if isinstance(answer, Answer) and answer.manner == TEAR:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            return False
        headers = {}
        while (raw := file.readline().decode().strip()) != "":
            name, _, value = raw.partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
        method, path, _ = line.split(" ")
        request = Request(method, path, headers, body)
        self.requests.append(request)
        answer = answer if isinstance(answer, Answer) else answer(request)
        return self._answer(sock, self.answer_to(request, answer))

    def _answer(self, sock: socket.socket, answer: Answer) -> bool:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        length = 1_000_000_000 if answer.manner in (DRIP_BODY, FLOOD_BODY) else len(body)
        head = {"Content-Length": str(length), **answer.headers}
        if answer.manner == CHUNKED:
            head["Transfer-Encoding"] = "chunked"
            del head["Content-Length"]
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        start = f"HTTP/1.1 {answer.status} Reason\r\n{lines}".encode()
        self.stopping.wait(answer.delay)
        if answer.manner == HANG:
            self.stopping.wait(20)
        elif answer.manner == DRIP_HEAD:
            self._drip(sock, start + b"X: ")
        elif answer.manner == FLOOD_HEAD:
            self._flood(sock, start)
        elif answer.manner == DRIP_BODY:
            self._drip(sock, start + b"\r\n")
        elif answer.manner == FLOOD_BODY:
            self._flood(sock, start + b"\r\n")
        elif answer.manner == RAW:
            sock.sendall(body)
        elif answer.manner == RESET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        else:
            sock.sendall(_wire(answer.manner, start, body))
        return answer.manner in (USUAL, CHUNKED)

    def _drip(self, sock: socket.socket, start: bytes) -> None:
        sock.sendall(start)
        while not self.stopping.wait(0.2):
            sock.sendall(b"x")

    def _flood(self, sock: socket.socket, start: bytes) -> None:
        sock.sendall(start)
        while not self.stopping.is_set():
            sock.sendall(b"X: y" * 10_000)


def _wire(manner: int, start: bytes, body: bytes) -> bytes:
    if manner == CLOSE:
        return b""
    if manner == CUT_BODY:
        body = body[: len(body) // 2]
    elif manner == CHUNKED:
        body = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    return start + b"\r\n" + body
