"""Answers and calls of vendors as their documents show them, and calls as the product gets them."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest
from django.test import RequestFactory

PAYLOADS = Path(__file__).parent / "payloads"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def recorded(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def posted(body: bytes, *, query: str = "", kind: str = JSON, **headers: str) -> HttpRequest:
    """A call with a body; headers by their names with _ for -."""
    path = f"/webhooks/vendor/token/?{query}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestFactory().generic("POST", path, body, content_type=kind, headers=named)


def got(query: str, *, method: str = "GET", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestFactory().generic(method, f"/webhooks/vendor/token/?{query}", headers=named)
