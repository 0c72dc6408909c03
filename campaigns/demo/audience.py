"""Two hundred people, imported from a CSV file as an operator would."""

from __future__ import annotations

import time
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns import audience_import
from campaigns.import_preview import detect, preview
from campaigns.models import Audience, AudienceImport
from campaigns.removal import remove_audience, why_kept
from omnichannel import uploads
from omnichannel.models import Label

FILE = Path(__file__).parent / "data" / "audience.csv"
NAME = "Newsletter readers"


def load() -> None:
    audience, created = Audience.objects.get_or_create(
        name=NAME, defaults={"description": "Part of the demo data.", "is_demo": True}
    )
    if not created:
        return
    audience.tags.add(Label.objects.get_or_create(name="newsletter")[0])
    row = _upload(audience)
    audience_import.submit(row)
    audience_import.run_queued(until=time.monotonic() + 30, stopped=lambda: False)


def _upload(audience: Audience) -> AudienceImport:
    stored = uploads.receive(SimpleUploadedFile(FILE.name, FILE.read_bytes()))
    row = AudienceImport(
        audience=audience,
        file=stored.name,
        original_name=FILE.name,
        encoding=stored.encoding,
        bytes_total=stored.size,
    )
    row.delimiter, row.has_header = detect(row.file.path, stored.encoding)
    seen = preview(row)
    row.headers, row.mapping = seen.headers, seen.mapping.as_json()
    row.save()
    return row


def remove() -> list[str]:
    kept = []
    for audience in Audience.objects.filter(is_demo=True):
        if why_kept(audience):
            kept.append(f"audience {audience}")
        else:
            remove_audience(audience)
    return kept
