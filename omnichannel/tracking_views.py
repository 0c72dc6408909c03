"""Opens and clicks, as recipients' programs ask for them. No cookies, no redirect by query."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from omnichannel import hits, links, rendering, short_links
from omnichannel.choices import EventType
from omnichannel.exceptions import TemplateError
from omnichannel.models import Message, TemplateVersion

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MOST_DIGITS = 6
BUSY = "This takes too long just now. Please try again in a minute."
PREVIEW = "This is a preview: in the message itself the link leads on, and the click is counted."


@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The pixel. It is the same for a token that is not ours, which then counts nothing."""
    meant = links.read(links.OPEN, token)
    if meant is not None and request.method == "GET":
        _count_open(meant.message, request.headers.get("User-Agent", ""))
    response = HttpResponse(GIF, content_type="image/gif")
    return guarded(response)


@require_safe
def clicked(request: HttpRequest, token: str, number: str) -> HttpResponse:
    """On to where the link in the message leads; what it says is ours and was never in the URL."""
    if token == links.SAMPLE:
        return lost(request, PREVIEW)
    meant = links.read(links.CLICK, token)
    if meant is None or not number.isdecimal() or len(number) > MOST_DIGITS:
        return lost(request)
    try:
        message = _message(meant.message)
        target = _target(message, meant.version, int(number))
    except DatabaseError:
        return lost(request, BUSY, 503)
    return _led_on(request, message, target, int(number))


@require_safe
def short(request: HttpRequest, token: str) -> HttpResponse:
    """On to where a short link of an SMS leads, as long as its message is kept."""
    meant = short_links.read(token)
    if meant is None:
        return lost(request)
    try:
        message = _message(meant.message)
        target = _short_target(message, meant.number)
    except DatabaseError:
        return lost(request, BUSY, 503)
    return _led_on(request, message, target, meant.number)


def _led_on(
    request: HttpRequest, message: Message | None, target: str | None, number: int
) -> HttpResponse:
    if not target:
        return lost(request)
    if message is not None and request.method == "GET":
        agent = request.headers.get("User-Agent", "")
        hits.fetched(
            message,
            EventType.CLICKED,
            at=timezone.now(),
            user_agent=agent,
            url=target,
            code=str(number),
        )
    return guarded(HttpResponseRedirect(target))


def lost(request: HttpRequest, advice: str = "", status: int = 404) -> HttpResponse:
    """A plain page, for a link that is not ours or leads nowhere any more."""
    return guarded(render(request, "tracking/lost.html", {"advice": advice}, status=status))


def guarded(response: HttpResponse) -> HttpResponse:
    """Nothing of it is kept, indexed, framed or told to the next site."""
    response["Cache-Control"] = "no-store, private"
    response["Content-Security-Policy"] = PAGE_POLICY
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _count_open(message_id: int, agent: str) -> None:
    try:
        message = _message(message_id)
    except DatabaseError:
        return
    if message is not None:
        hits.fetched(message, EventType.OPENED, at=timezone.now(), user_agent=agent)


def _message(pk: int) -> Message | None:
    rows = Message.objects.select_related("job", "template_version", "provider")
    return rows.filter(pk=pk).first()


def _target(message: Message | None, version_id: int, number: int) -> str | None:
    """A message that was deleted leaves the links of its template that are the same for all."""
    try:
        if message is not None:
            return rendering.link_target(message, number)
        version = TemplateVersion.objects.filter(pk=version_id).first()
        return rendering.constant_target(version, number) if version else None
    except TemplateError:
        return None


def _short_target(message: Message | None, number: int) -> str:
    if message is None or message.is_erased:
        return ""
    try:
        return short_links.target(message, number)
    except TemplateError:
        return ""
