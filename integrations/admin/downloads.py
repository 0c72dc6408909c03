"""Documents leave the Studio as files only, for those who may have them, and in the trail."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, Value
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from integrations import audit, blobs
from integrations.audit import Entry
from integrations.exceptions import DocumentRefused
from integrations.models import Blob
from omnichannel.visitors import client_ip

PERMISSION = "integrations.download_document"


def may(request: HttpRequest) -> bool:
    return request.user.has_perm(PERMISSION)


def allowed(request: HttpRequest) -> Value:
    """For the rows of a page, whose fields do not know who looks."""
    return Value(may(request), output_field=BooleanField())


def by(request: HttpRequest, entry: Entry) -> Entry:
    """The entry, with who did it and from where."""
    return replace(
        entry,
        actor=request.user.get_username(),
        ip=client_ip(request),
        agent=request.headers.get("User-Agent", "")[:255],
    )


def send(
    request: HttpRequest, blob: Blob | None, name: str, entry: Entry, back: str
) -> HttpResponseBase:
    """The bytes, as a file that no browser opens. `back` is where a purged one is told of."""
    if not may(request):
        raise PermissionDenied
    if blob is None:
        raise Http404("There is no such document.")
    try:
        file = blobs.open_file(blob)
    except DocumentRefused as error:
        messages.error(request, str(error))
        return redirect(back)
    audit.write([by(request, entry)], at=timezone.now())
    response = FileResponse(file, as_attachment=True, filename=name)
    response["Content-Type"] = "application/octet-stream"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def link(is_allowed: bool, blob: Blob | None, name: str, view: str, *place: object) -> str:
    """The name, as a link to the document for whoever may have it."""
    if blob is None:
        return "-"
    if blob.purged_at:
        return format_html("{} (deleted {:%Y-%m-%d})", name, blob.purged_at)
    if not is_allowed:
        return name
    url = reverse(f"admin:{view}", args=place)
    return format_html(
        '<a class="text-link" href="{}" download>{}<span class="material-symbols-outlined '
        'integration-icon" aria-hidden="true">download</span></a>',
        url,
        name,
    )
