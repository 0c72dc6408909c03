"""Message bodies shown in the Studio: each from its own URL, where nothing of them can run."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.html import format_html

from omnichannel import short_links

# An opaque origin, no script, no form, nothing loaded from anywhere.
PREVIEW_POLICY = (
    "sandbox; default-src 'none'; img-src data: cid:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)
TEXT_PAGE = (
    "<!DOCTYPE html><title>Text</title>"
    '<pre style="font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;margin:16px">{}</pre>'
)


def preview_response(html: str, text: str = "") -> HttpResponse:
    """A body as a page of its own, for an iframe: the HTML, or else the text as it is. Who looks
    at it unsubscribes nobody, and counts no click.
    """
    response = HttpResponse(
        short_links.harmless(html) or format_html(TEXT_PAGE, short_links.harmless(text))
    )
    response["Content-Security-Policy"] = PREVIEW_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"  # every other page allows no frame at all
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
