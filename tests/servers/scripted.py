"""A loopback server that answers each line by a script: for faults no real server shows on demand.

    with Scripted(b"* OK ready", {"LOGIN": "{tag} NO wrong"}) as server: ...

The script maps a word of the line to a reply, in which {tag} is the line's first word; or to HANG,
to DROP (the connection ends), or to a list of these used up one by one. What is in no script is
answered by `usual`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping

HANG, DROP = "(hang)", "(drop)"


class Scripted:
    def __init__(self, greeting: str, script: Mapping, *, usual: str = "{tag} OK done"):
        self.greeting = greeting
        self.script = script
        self.usual = usual
        self.lines: list[str] = []
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> Scripted:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(2)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock, sock.makefile("rb") as file:
            if not self._say(sock, self.greeting, ""):
                return
            while line := file.readline().decode("utf-8", "replace").strip():
                self.lines.append(line)
                if not self._say(sock, self._action(line), line.split()[0]):
                    return

    def _action(self, line: str) -> str:
        for word, action in self.script.items():
            if word in line:
                return action.pop(0) if isinstance(action, list) else action
        return self.usual

    def _say(self, sock: socket.socket, action: str, tag: str) -> bool:
        """Whether the connection goes on."""
        if action == HANG:
            self.stopping.wait(20)
        text, is_dropped, _ = action.partition(DROP)
        if action != HANG and text:
            end = b"" if is_dropped else b"\r\n"
            sock.sendall(text.replace("{tag}", tag).encode() + end)
        return not is_dropped and action != HANG
