"""Unsubscribing and the preference page. The token in the URL is the permission: no cookies.

A GET or HEAD changes nothing, since scanners follow every link of a mail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from omnichannel import links, preferences
from omnichannel.choices import Category, ChannelType
from omnichannel.models import Message
from omnichannel.tracking_views import BUSY, guarded, lost
from omnichannel.variables import global_values
from omnichannel.visitors import client_ip

KINDS = {  # how a recipient would call it, and what it is
    Category.PROMOTIONAL: ("Offers and news", "Special offers, news and invitations."),
    Category.TRANSACTIONAL: (
        "Orders and account",
        "About something you did: an order, a booking, your account.",
    ),
}
NOUNS = {
    ChannelType.EMAIL: "e-mails",
    ChannelType.SMS: "text messages",
    ChannelType.PUSH: "notifications",
}
NOTES = {
    "again": "You are subscribed again.",
    "saved": "Your choice is saved.",
    "enough": "You have changed this many times today: please try again tomorrow.",
    "preview": "This is a preview: nothing was changed.",
}
TOO_OLD = "This message is too old: please write to us if you want no more of them."
# RFC 8058, section 3.1: what a mail program posts, without a person looking at the answer.
ONE_CLICK = ("List-Unsubscribe", "One-Click")
LONGEST_BODY = 10_000  # bytes

View = Callable[[HttpRequest, str], HttpResponse]


def bounded(view: View) -> View:
    """Refuses what is no form of ours before it is read, and says when the database is away."""

    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        size = request.META.get("CONTENT_LENGTH") or "0"
        is_number = size.isascii() and size.isdigit() and len(size) < 16
        if not is_number or int(size) > LONGEST_BODY:
            return lost(request, "This is more than the page has asked for.", 413)
        try:
            return view(request, token)
        except DatabaseError:
            return lost(request, BUSY, 503)

    return answer


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@bounded
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    message = _message_of(token)
    if message is None:
        return _preview(request) if token == links.SAMPLE else lost(request, TOO_OLD)
    category = preferences.category_of(message)
    if request.method != "POST":
        return _page(request, "unsubscribe", message, token)
    if request.POST.get(ONE_CLICK[0]) == ONE_CLICK[1]:
        # Posted by the recipient's mail provider: where from proves nothing.
        _choose(None, message, {category: False}, "One click in the mail program")
        return guarded(HttpResponse("Unsubscribed.\n", content_type="text/plain"))
    note = ""
    if request.POST.get("do") == "unsubscribe":
        _choose(request, message, {category: False}, "On the unsubscribe page")
    elif request.POST.get("do") == "undo":
        note = _choose(request, message, {category: True}, "On the unsubscribe page") or "again"
    return _back("unsubscribe", token, note)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@bounded
def preference_page(request: HttpRequest, token: str) -> HttpResponse:
    """One switch for each category of the message's channel."""
    message = _message_of(token)
    if message is None:
        is_sample = token == links.SAMPLE
        return _preview(request, "preferences") if is_sample else lost(request, TOO_OLD)
    if request.method != "POST":
        return _page(request, "preferences", message, token)
    states = preferences.standing(message)
    open_to_choice = [c for c, state in states.items() if state != preferences.BARRED]
    wanted = {category: category.value in request.POST for category in open_to_choice}
    note = _choose(request, message, wanted, "On the preference page")
    return _back("preferences", token, note or "saved")


def _choose(
    request: HttpRequest | None, message: Message, wanted: dict[Category, bool], how: str
) -> str:
    """What is to be told beside the usual, one of NOTES."""
    shown = {category: ": ".join(KINDS[category]) for category in wanted}
    ip = client_ip(request) if request else None
    preferences.choose(message, wanted, how=how, at=timezone.now(), shown=shown, ip=ip)
    back = [category for category, on in wanted.items() if on]
    states = preferences.standing(message) if back else {}
    return "enough" if any(states[category] == preferences.OFF for category in back) else ""


def _message_of(token: str) -> Message | None:
    meant = links.read(links.UNSUBSCRIBE, token)
    if meant is None:
        return None
    message = Message.objects.select_related("provider").filter(pk=meant.message).first()
    return None if message is None or message.is_erased else message


def _back(page: str, token: str, note: str = "") -> HttpResponse:
    url = reverse(page, args=(token,))
    return guarded(HttpResponseRedirect(f"{url}?note={note}" if note else url, status=303))


def _page(request: HttpRequest, page: str, message: Message, token: str) -> HttpResponse:
    states = preferences.standing(message)
    category = preferences.category_of(message)
    return _answer(
        request,
        page,
        {
            "token": token,
            "noun": NOUNS[ChannelType(message.provider.channel_type)],
            "address": masked(message.to_address),
            "kind": KINDS[category][0].lower(),
            "state": states[category],
            "choices": _choices(states),
        },
    )


def _preview(request: HttpRequest, page: str = "unsubscribe") -> HttpResponse:
    """Where the links of previews and test sends lead. It changes nothing."""
    if request.method == "POST":
        return _back(page, links.SAMPLE, "preview")
    context = {
        "token": links.SAMPLE,
        "noun": NOUNS[ChannelType.EMAIL],
        "address": "the recipient's address",
        "kind": KINDS[Category.PROMOTIONAL][0].lower(),
        "state": preferences.ON,
        "choices": _choices(dict.fromkeys(preferences.offered(), preferences.ON)),
        "is_preview": True,
    }
    return _answer(request, page, context)


def _choices(states: dict[Category, str]) -> list[dict[str, Any]]:
    return [
        {"name": category.value, "label": KINDS[category][0], "about": KINDS[category][1]}
        | {"state": state}
        for category, state in states.items()
    ]


def _answer(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    context["company"] = global_values()["company_name"]
    context["support"] = global_values()["support_email"]
    context["note"] = NOTES.get(request.GET.get("note", ""), "")
    return guarded(render(request, f"tracking/{page}.html", context))


def masked(address: str) -> str:
    """Enough for its owner: a forwarded mail must not tell more. an...@example.com"""
    local, at, domain = address.rpartition("@")
    if at:
        return f"{local[:2]}…@{domain}"
    return f"…{address[-3:]}"
