"""A loopback SMTP server that can be told to misbehave at any phase.

    with SmtpServer(rcpt="550 5.1.1 no such user") as server:
        ...
        assert server.messages == []

A phase is greeting, ehlo, starttls, auth, mail, rcpt, data, body, dot, rset or noop. What it does
is a reply, HANG, DRIP, FLOOD, CLOSE, RESET, None (as usual), a function of the phase's argument
(from `data` on: the recipient) that returns one of these, or a list of them used up one by one.
Steps may stand before a reply: "(sleep 2)250 ok" answers late, "(take)(close)" keeps the message
and never says so. In the body, "(close 900)" and "(reset 900)" end the connection after as many
bytes of it.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field

HANG, DRIP, FLOOD, CLOSE = "(hang)", "(drip)", "(flood)", "(close)"
RESET, TAKE = "(reset)", "(take)"
STEP = re.compile(r"\((\w+)(?: ([\d.]+))?\)")
USUAL = {
    "greeting": "220 mx.example.com ESMTP",
    "starttls": "220 go ahead",
    "auth": "235 2.7.0 signed in",
    "mail": "250 2.1.0 sender ok",
    "rcpt": "250 2.1.5 recipient ok",
    "data": "354 go on",
    "dot": "250 2.0.0 queued",
    "rset": "250 2.0.0 reset",
    "noop": "250 2.0.0 fine",
    "quit": "221 bye",
}


@dataclass
class Received:
    sender: str
    recipient: str
    data: bytes
    mail_options: str = ""


@dataclass
class Conversation:
    """What one connection said."""

    commands: list[str] = field(default_factory=list)
    bytes_in_clear: bytes = b""


class SmtpServer:
    def __init__(self, *, tls=None, implicit_tls=False, extensions=("8BITMIME",), **phases):
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.extensions = list(extensions)
        self.phases = phases
        self.messages: list[Received] = []
        self.conversations: list[Conversation] = []
        self.threads: list[threading.Thread] = []
        self.sessions: list[_Session] = []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> SmtpServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the waiting accept
        self.listener.close()
        for session in self.sessions:
            with contextlib.suppress(OSError):  # what has arrived is still read, then it ends
                socket.socket.shutdown(session.sock, socket.SHUT_RD)
        for thread in self.threads:
            thread.join(1)

    @property
    def commands(self) -> list[str]:
        return [line for talk in self.conversations for line in talk.commands]

    def action(self, phase: str, argument: str = "") -> str:
        wanted = self.phases.get(phase)
        if isinstance(wanted, list):
            wanted = wanted.pop(0) if wanted else None
        if callable(wanted):
            wanted = wanted(argument)
        return wanted or USUAL.get(phase, "")

    def take(self, received: Received) -> None:
        """A message is the server's own from here on, whatever its sender is told."""
        self.messages.append(received)

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
        talk = Conversation()
        self.conversations.append(talk)
        with contextlib.suppress(OSError):
            if self.implicit_tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            session = _Session(self, sock, talk)
            self.sessions.append(session)
            try:
                session.run()
            finally:
                session.file.close()
                session.sock.close()


class _Session:
    def __init__(self, server: SmtpServer, sock: socket.socket, talk: Conversation) -> None:
        self.server = server
        self.sock = sock
        self.talk = talk
        self.is_encrypted = isinstance(sock, ssl.SSLSocket)
        self.file = sock.makefile("rb")
        self.sender = self.options = self.recipient = ""

    def run(self) -> None:
        self.say("greeting")
        while line := self.read():
            verb, _, argument = line.partition(" ")
            self.talk.commands.append(line)
            handler = getattr(self, f"on_{verb.lower()}", None)
            handler(argument) if handler else self.put("502 what?")
            if verb.lower() == "quit":
                return

    def read(self) -> str:
        line = self.file.readline()
        if not self.is_encrypted:
            self.talk.bytes_in_clear += line
        return line.decode("utf-8", "replace").strip()

    def put(self, reply: str) -> None:
        self.sock.sendall(reply.encode() + b"\r\n")

    def say(self, phase: str, argument: str = "") -> str:
        return self.perform(self.server.action(phase, argument))

    def perform(self, action: str) -> str:
        """Go through the steps of an action; answer the reply that was put at its end."""
        while step := STEP.match(action):
            self.step(step[1], float(step[2] or 0))
            action = action[step.end() :]
        self.put(action)
        if action.startswith("421"):
            raise ConnectionError
        return action

    def step(self, name: str, amount: float) -> None:
        if name == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if name in ("reset", "close"):
            raise ConnectionError
        if name in ("sleep", "hang"):
            stopped = self.server.stopping.wait(amount if name == "sleep" else 20)
            if stopped or name == "hang":
                raise ConnectionError
        while name == "drip":
            self.sock.sendall(b"2")
            if self.server.stopping.wait(0.2):
                raise ConnectionError
        while name == "flood":
            self.sock.sendall(b"250-more\r\n" * 1000)

    def on_ehlo(self, argument: str) -> None:
        action = self.server.action("ehlo")
        if action:
            self.perform(action)
            return
        extra = list(self.server.extensions)
        if self.server.tls and not self.is_encrypted:
            extra.append("STARTTLS")
        lines = ["mx.example.com", *extra]
        last = len(lines) - 1
        self.put("\r\n".join(f"250{' ' if n == last else '-'}{x}" for n, x in enumerate(lines)))

    def on_starttls(self, argument: str) -> None:
        if self.say("starttls").startswith("220"):
            self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
            self.file = self.sock.makefile("rb")
            self.is_encrypted = True

    def on_auth(self, argument: str) -> None:
        mechanism, _, token = argument.partition(" ")
        self.talk.commands[-1] = f"AUTH {mechanism} {base64.b64decode(token)!r}"
        self.say("auth", argument)

    def on_mail(self, argument: str) -> None:
        self.sender, _, self.options = re.sub("^FROM:", "", argument, flags=re.I).partition(" ")
        if not self.say("mail", self.sender).startswith("250"):
            self.sender = ""

    def on_rcpt(self, argument: str) -> None:
        recipient = re.sub("^TO:", "", argument, flags=re.I).strip("<>")
        taken = bool(self.sender) and self.say("rcpt", recipient).startswith("25")
        if not self.sender:
            self.put("503 who sends it?")
        self.recipient = recipient if taken else ""

    def on_data(self, argument: str) -> None:
        if not self.say("data", self.recipient).startswith("354"):
            return
        self.in_body()
        data = b""
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            data += line[1:] if line.startswith(b".") else line
        action = self.server.action("dot", self.recipient)
        is_taken = TAKE in action or STEP.sub("", action).startswith("250")
        if is_taken and self.recipient:
            received = Received(self.sender.strip("<>"), self.recipient, data, self.options)
            self.server.take(received)
        self.perform(action.replace(TAKE, ""))

    def in_body(self) -> None:
        action = self.server.action("body", self.recipient)
        if step := STEP.match(action):
            size = float(step[2] or 1000)
            if step[1] in ("close", "reset"):
                self.file.read(int(size))
            self.step("reset" if action == CLOSE else step[1], size)

    def on_rset(self, argument: str) -> None:
        self.say("rset")

    def on_noop(self, argument: str) -> None:
        self.say("noop")

    def on_quit(self, argument: str) -> None:
        self.say("quit")
