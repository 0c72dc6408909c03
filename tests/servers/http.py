"""A loopback HTTP server that gives the answers it was told, well-behaved or not.

    with HttpServer(Answer(202, headers={"X-Message-Id": "abc"})) as server:
        ...
        assert server.requests[0].json["subject"] == "Hello"

The last answer is given to all further requests.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

USUAL, HANG, DRIP_HEAD, DRIP_BODY, FLOOD_HEAD, FLOOD_BODY, CLOSE, STOP_READING = range(8)


@dataclass
class Answer:
    status: int = 200
    body: Any = b""  # bytes, or what becomes JSON
    headers: dict[str, str] = field(default_factory=dict)
    manner: int = USUAL


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
    def __init__(self, *answers: Answer, tls=None) -> None:
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
        if answer.manner == STOP_READING:
            self.stopping.wait(20)
            return False
        headers = {}
        while (raw := file.readline().decode().strip()) != "":
            name, _, value = raw.partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
        method, path, _ = line.split(" ")
        self.requests.append(Request(method, path, headers, body))
        return self._answer(sock, answer)

    def _answer(self, sock: socket.socket, answer: Answer) -> bool:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        head = {"Content-Length": str(len(body)), **answer.headers}
        if answer.manner in (DRIP_BODY, FLOOD_BODY):
            head["Content-Length"] = "1000000000"
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        start = f"HTTP/1.1 {answer.status} Reason\r\n{lines}".encode()
        match answer.manner:
            case m if m == HANG:
                self.stopping.wait(20)
            case m if m == DRIP_HEAD:
                self._drip(sock, start + b"X: ")
            case m if m == FLOOD_HEAD:
                self._flood(sock, start)
            case m if m == DRIP_BODY:
                self._drip(sock, start + b"\r\n")
            case m if m == FLOOD_BODY:
                self._flood(sock, start + b"\r\n")
            case m if m == USUAL:
                sock.sendall(start + b"\r\n" + body)
                return True
        return False

    def _drip(self, sock: socket.socket, start: bytes) -> None:
        sock.sendall(start)
        while not self.stopping.wait(0.2):
            sock.sendall(b"x")

    def _flood(self, sock: socket.socket, start: bytes) -> None:
        sock.sendall(start)
        while not self.stopping.is_set():
            sock.sendall(b"X: y" * 10_000)
