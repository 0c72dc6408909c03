"""The second step of a sign-in, without its pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import django_otp
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.crypto import SecretUnreadable
from otp.models import BackupCodes, MessageDevice
from otp.two_factor import backup_codes, gate, guesses, message_codes, standing, totp
from otp.two_factor.standing import AnyDevice

FRESH = "two_factor.fresh_at"
FRESH_FOR = timedelta(minutes=10)


class Answer(NamedTuple):
    is_right: bool
    problem: str = ""
    is_locked: bool = False


def check(request: HttpRequest, user: Any, device: AnyDevice, code: str, *, at: datetime) -> Answer:
    """One guess at a second factor: counted, then looked at."""
    locked = guesses.take(user.pk, at=at)
    if locked:
        return Answer(False, locked_text(locked, at=at), is_locked=True)
    problem = _problem(request, device, "".join(code.split()), at=at)
    if not problem:
        guesses.forget(user.pk)
        return Answer(True)
    locked = guesses.locked_until(user.pk, at=at)
    if locked:
        return Answer(False, locked_text(locked, at=at), is_locked=True)
    left = guesses.left(user.pk)
    return Answer(False, f"{problem} {left} {'try' if left == 1 else 'tries'} left.")


def locked_text(until: datetime, *, at: datetime) -> str:
    minutes = max(1, -(-int((until - at).total_seconds()) // 60))
    wait = f"{minutes} minute{'s' * (minutes != 1)}"
    if minutes > 90:
        wait = f"{-(-minutes // 60)} hours"
    return f"Too many wrong codes. Try again in {wait}, or ask an administrator."


def _problem(request: HttpRequest, device: AnyDevice, code: str, *, at: datetime) -> str:
    """Empty: the code is right."""
    if isinstance(device, MessageDevice):
        return message_codes.problem(request, device, code, at=at)
    if isinstance(device, BackupCodes):
        is_right = backup_codes.use(device, code, at=at)
        return "" if is_right else "This is not an unused backup code of yours."
    try:
        step = totp.matching_step(device.secret, code, at=at)
    except SecretUnreadable:
        return "This app can no longer be checked. Use another way, or ask an administrator."
    if step is not None and device.use_step(step):
        return ""
    if step is not None:
        return "This code was used already: wait for the next one."
    return "This is not the code that your app shows now."


def finish(request: HttpRequest, user: Any, device: AnyDevice, *, at: datetime) -> None:
    """The session is the user's from here on, under another key."""
    type(device)._default_manager.filter(pk=device.pk).update(last_used_at=at)
    message_codes.forget(request)
    gate.let_in(request, user)
    request.session.cycle_key()
    django_otp.login(request, device)
    make_fresh(request, at=at)


def go_on(request: HttpRequest, user: Any) -> None:
    """After the device of this very session was removed, by whoever has just proved who it is."""
    ways = standing.ways_in(user)
    if ways:
        django_otp.login(request, ways[0])


def make_fresh(request: HttpRequest, *, at: datetime) -> None:
    """Whoever sits there has just proved to be the user."""
    request.session[FRESH] = at.timestamp()


def is_fresh(request: HttpRequest) -> bool:
    seconds = timezone.now().timestamp() - request.session.get(FRESH, 0)
    return 0 <= seconds < FRESH_FOR.total_seconds()
