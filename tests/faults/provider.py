"""A provider in a process of its own, by SMTP and by SendGrid's HTTP, that does as it is told.

    with Provider() as provider:
        provider.play(ledger, Rule("rcpt", "451 4.2.0 later", share=0.05, times=1))
        ... send to provider.smtp, provider.url ...
        provider.accepted()

It ends with whoever started it. Its ledger says what it really took.
"""

from __future__ import annotations

import email
import json
import subprocess
import sys
import time
from email import policy
from pathlib import Path

from tests.faults import ledger
from tests.faults.rules import HTTP, Rule
from tests.servers.http import CLOSE, HANG, Answer, HttpServer, Request
from tests.servers.smtp import Received, SmtpServer

ROOT = Path(__file__).resolve().parent.parent.parent


class Provider:
    """The provider as its tests see it."""

    def __enter__(self) -> Provider:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.provider"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.smtp, http = json.loads(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{http}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def play(self, path: Path, *rules: Rule, extensions: tuple[str, ...] = ("8BITMIME",)) -> None:
        """From now on: these rules, and a ledger of their own."""
        self.path = path
        told = {"ledger": str(path), "rules": [rule.as_json() for rule in rules]}
        self._process.stdin.write(json.dumps({**told, "extensions": extensions}) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    @property
    def smtp_options(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.smtp, "security": "none"}

    def entries(self, kind: str = "") -> list[ledger.Entry]:
        return [entry for entry in ledger.read(self.path) if kind in ("", entry.kind)]

    def accepted(self) -> list[str]:
        """The recipients, as often as they were served."""
        return [entry.to for entry in self.entries("accepted")]

    def wait_for(self, count: int, kind: str = "accepted", seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while ledger.count(self.path, kind) < count:
            assert time.monotonic() < deadline, self.entries()[-5:]
            time.sleep(0.01)


class Script:
    """Inside the process: the rules and the ledger of the present play."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.ledger: ledger.Ledger | None = None

    def change(self, told: dict) -> None:
        if self.ledger is not None:
            self.ledger.close()
        self.rules = [Rule(**{**rule, "nth": tuple(rule["nth"])}) for rule in told["rules"]]
        self.ledger = ledger.Ledger(told["ledger"])

    def what(self, phase: str, recipient: str = "") -> object:
        """What the first rule that applies says; it is noted before it is done."""
        for rule in self.rules:
            if rule.applies(phase, recipient):
                self.ledger.add(phase, recipient, text=str(rule.do))
                return rule.do
        return None


class ScriptedSmtp(SmtpServer):
    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script

    def action(self, phase: str, argument: str = "") -> str:
        recipient = argument if phase in ("rcpt", "data", "body", "dot") else ""
        return self.script.what(phase, recipient) or super().action(phase, argument)

    def take(self, received: Received) -> None:
        message = email.message_from_bytes(received.data, policy=policy.default)
        body = message.get_body(("html", "plain"))
        text = f"{message['Subject']}\n{body.get_content() if body else ''}"
        key = str(message["Message-ID"]).strip("<>").partition("@")[0]
        self.script.ledger.add(ledger.ACCEPTED, received.recipient, key=key, text=text)


class ScriptedHttp(HttpServer):
    """Speaks SendGrid's /v3/mail/send, with any number of personalizations."""

    def __init__(self, script: Script) -> None:
        super().__init__(Answer(202))
        self.script = script

    def answer_to(self, request: Request, answer: Answer) -> Answer:
        people = request.json["personalizations"]
        for person in people:
            do = self.script.what(HTTP, person["to"][0]["email"])
            if do is not None:
                fields = {name: value for name, value in do.items() if name != "take"}
                fields["body"] = fields.get("body", "").encode("latin-1")
                answer = Answer(**fields)
                if not do.get("take"):
                    return answer
        self._take(request.json, people)
        return answer

    def _take(self, sent: dict, people: list[dict]) -> None:
        for person in people:
            key = {**sent.get("custom_args", {}), **person.get("custom_args", {})}["key"]
            subject = person.get("subject") or sent.get("subject", "")
            text = f"{subject}\n{sent['content'][-1]['value']}"
            self.script.ledger.add(ledger.ACCEPTED, person["to"][0]["email"], key=key, text=text)


def main() -> None:
    script = Script()
    with ScriptedSmtp(script) as smtp, ScriptedHttp(script) as http:
        print(json.dumps([smtp.port, http.port]), flush=True)
        for line in sys.stdin:
            told = json.loads(line)
            script.change(told)
            smtp.extensions = told["extensions"]
            print("ok", flush=True)


__all__ = ["CLOSE", "HANG", "HTTP", "Provider", "Rule"]

if __name__ == "__main__":
    main()
