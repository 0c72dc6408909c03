"""Somebody who has signed in to the Studio, over one kept connection."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from email.message import Message
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

TIMEOUT = 60.0


class Answer(NamedTuple):
    status: int
    body: str
    headers: Message
    seconds: float


class Browser:
    """Raises RuntimeError for a page that cannot be shown, OSError for a server that is gone."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self._cookies: dict[str, str] = {}

    def is_answered(self, path: str) -> bool:
        try:
            return self._ask("GET", path).status == 200
        except OSError:
            return False

    def sign_in(self, username: str, password: str) -> None:
        self.get("/admin/login/")
        form = {"username": username, "password": password, "next": "/admin/"}
        if self.post("/admin/login/", form).status != 302:
            raise RuntimeError("Signing in failed.")

    def get(self, path: str) -> Answer:
        answer = self._ask("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}.")
        return answer

    def post(self, path: str, form: Mapping[str, object]) -> Answer:
        """Post a form as a page of the Studio does. The answer may be a redirect."""
        token = self._cookies.get("csrftoken", "")
        answer = self._ask("POST", path, urlencode({**form, "csrfmiddlewaretoken": token}))
        if answer.status >= 400:
            raise RuntimeError(f"{path} answered {answer.status}.")
        return answer

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.monotonic()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        seconds = time.monotonic() - began
        for value in response.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: m.value for name, m in SimpleCookie(value).items()})
        return Answer(response.status, text, response.headers, seconds)
