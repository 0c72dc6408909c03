"""Browsers that are not asked for the second factor again: a signed cookie and a row."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django_otp.models import Device

from omnichannel.visitors import client_ip
from otp.models import RememberedBrowser
from otp.two_factor import standing
from otp.two_factor.standing import AnyDevice

SALT = "two-factor.browser"
PATH = "/admin/"


def lifetime() -> timedelta:
    """Zero: no browser is remembered."""
    return timedelta(days=settings.TWO_FACTOR_REMEMBER_DAYS)


def remember(
    request: HttpRequest, response: HttpResponse, user: Any, device: Device, *, at: datetime
) -> None:
    token = secrets.token_urlsafe(32)
    RememberedBrowser.objects.filter(expires_at__lte=at).delete()
    RememberedBrowser.objects.create(
        user=user,
        device_id=device.persistent_id,
        digest=_digest(token),
        password_mark=_mark(user),
        user_agent=request.headers.get("User-Agent", "")[:255],
        ip=client_ip(request),
        created_at=at,
        last_used_at=at,
        expires_at=at + lifetime(),
    )
    response.set_cookie(
        _name(user),
        signing.dumps([user.pk, device.persistent_id, token], salt=SALT),
        max_age=lifetime(),
        path=PATH,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def recognise(request: HttpRequest, user: Any, *, at: datetime) -> AnyDevice | None:
    """The device that vouched for this browser, when it still may."""
    row = _row(request, user, at=at)
    if row is None or not constant_time_compare(row.password_mark, _mark(user)):
        return None
    devices = {device.persistent_id: device for device in standing.ways_in(user)}
    device = devices.get(row.device_id)
    if device:
        RememberedBrowser.objects.filter(pk=row.pk).update(last_used_at=at)
    return device


def this_one(request: HttpRequest, user: Any, *, at: datetime) -> int | None:
    """The key of this browser's row."""
    row = _row(request, user, at=at)
    return row.pk if row else None


def valid(user: Any, *, at: datetime) -> list[RememberedBrowser]:
    rows = RememberedBrowser.objects.filter(user=user, expires_at__gt=at, password_mark=_mark(user))
    return list(rows)


def _row(request: HttpRequest, user: Any, *, at: datetime) -> RememberedBrowser | None:
    try:
        owner, device_id, token = signing.loads(
            request.COOKIES.get(_name(user), ""), salt=SALT, max_age=lifetime()
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return RememberedBrowser.objects.filter(
        user=user, user_id=owner, device_id=device_id, digest=_digest(token), expires_at__gt=at
    ).first()


def _name(user: Any) -> str:
    """Of each user one: people who share a browser do not make it forget one another."""
    return f"second_factor_{user.pk}"


def _digest(token: str) -> str:
    return hashlib.sha256(str(token).encode()).hexdigest()


def _mark(user: Any) -> str:
    return salted_hmac(SALT, user.password, algorithm="sha256").hexdigest()
