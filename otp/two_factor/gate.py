"""A session in which only the password was given is nobody's session.

Whoever needs a second factor and has not given it is anonymous to every page there is, so that
none can be forgotten. Only the pages of the second step ask who it is that is signing in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from otp.two_factor import standing

PENDING = "_second_factor_pending"


class SecondFactorMiddleware:
    """Stands after django-otp's, which says whether the session has given its second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        seen = SimpleLazyObject(partial(_seen_as, request, request.user))
        request.user = seen
        request.auser = partial(_seen_later, seen)
        return self.get_response(request)


def pending_user(request: Any) -> Any:
    """Who gave a password and owes the second factor; None when nobody does."""
    bool(request.user.is_authenticated)  # has the session looked at
    return getattr(request, PENDING, None)


def let_in(request: Any, user: Any) -> None:
    """The second factor was given: the request goes on as the user's."""
    setattr(request, PENDING, None)
    request.user = user


async def _seen_later(user: Any) -> Any:
    return await sync_to_async(_opened)(user)


def _opened(user: Any) -> Any:
    bool(user.is_authenticated)
    return user


def _seen_as(request: HttpRequest, user: Any) -> Any:
    if not user.is_authenticated or user.is_verified() or not standing.needs_second_factor(user):
        return user
    setattr(request, PENDING, user)
    nobody: Any = AnonymousUser()
    nobody.otp_device = None
    nobody.is_verified = bool  # False
    return nobody
