"""Audiences and imports for tests."""

from __future__ import annotations

import itertools
import time
from typing import Any

from django.core.files.base import ContentFile

from campaigns.audience_import import run_queued
from campaigns.choices import ImportStatus
from campaigns.models import Audience, AudienceImport, AudienceMember

_numbers = itertools.count(1)
HEADERS = ["email", "phone", "name"]
MAPPING = {"email": 0, "phone": 1, "variables": {"name": 2}, "key": "email"}


def make_audience(**values: Any) -> Audience:
    return Audience.objects.create(**{"name": f"Audience {next(_numbers)}", **values})


def make_member(audience: Audience, **values: Any) -> AudienceMember:
    number = next(_numbers)
    email = values.get("email", f"person{number}@example.com")
    member = AudienceMember.objects.create(
        audience=audience, **{"key": email.lower(), "email": email, **values}
    )
    audience.records_count += 1
    audience.save()
    return member


def make_import(content: str | bytes = "", **values: Any) -> AudienceImport:
    """A queued import of a file with the columns e-mail, phone and name."""
    data = content.encode() if isinstance(content, str) else content
    values = {
        "status": ImportStatus.QUEUED,
        "original_name": "people.csv",
        "headers": HEADERS,
        "mapping": MAPPING,
        "bytes_total": len(data),
        **values,
    }
    row = AudienceImport(audience=values.pop("audience", None) or make_audience(), **values)
    row.file.save("people.csv", ContentFile(data))
    return row


def run_imports() -> None:
    run_queued(until=time.monotonic() + 60, stopped=lambda: False)


def imported(content: str | bytes, **values: Any) -> AudienceImport:
    """An import that has run to its end."""
    row = make_import(content, **values)
    run_imports()
    row.refresh_from_db()
    row.audience.refresh_from_db()
    return row


def rows_of(count: int, *, start: int = 0) -> str:
    lines = [
        f"person{n}@example.com,+1202555{n % 10000:04d},Name {n}"
        for n in range(start, start + count)
    ]
    return "\n".join(["email,phone,name", *lines]) + "\n"
