"""Who may open the pages of two-factor sign-in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from otp.two_factor import gate, signing_in, standing

View = Callable[..., HttpResponse]


def for_signing_in(view: View) -> View:
    """For who gave the password and owes the second factor. The view is given the user."""

    @wraps(view)
    @never_cache
    @sensitive_post_parameters("code")
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = gate.pending_user(request)
        if user is None:
            return redirect(next_page(request)) if _may_enter(request) else _to_login(request)
        return view(request, user, *args, **kwargs)

    return checked


def for_owner(view: View) -> View:
    """For who is signed in, and for who must set up a first device before that.

    Never for who has a device and has not used it: one more device would be a way around it.
    """

    @wraps(view)
    @never_cache
    @sensitive_post_parameters("code", "password")
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = gate.pending_user(request)
        if user is None:
            if not _may_enter(request):
                return _to_login(request)
            user = request.user
        elif standing.user_has_device(user):
            return redirect("two_factor_step")
        return view(request, user, *args, **kwargs)

    return checked


def for_fresh(view: View) -> View:
    """The same, with a password or a second factor given a moment ago."""

    @wraps(view)
    def checked(request: HttpRequest, user: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if signing_in.is_fresh(request):
            return view(request, user, *args, **kwargs)
        back = request.path if request.method == "GET" else reverse("two_factor_devices")
        return redirect(f"{reverse('two_factor_confirm')}?{urlencode({'next': back})}")

    return for_owner(checked)


def next_page(request: HttpRequest) -> str:
    """Where the user wanted to go, if that is a page of ours; else the Studio's first one."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    return reverse(settings.LOGIN_REDIRECT_URL)


def with_next(name: str, request: HttpRequest) -> str:
    return f"{reverse(name)}?{urlencode({'next': next_page(request)})}"


def page(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """The context of a page: within the Studio for who is signed in, before its door else."""
    is_inside = request.user.is_authenticated
    inside, outside = "admin/base_site.html", "unfold/layouts/unauthenticated.html"
    return {
        **admin.site.each_context(request),
        "title": title,
        "layout": inside if is_inside else outside,
        "is_inside": is_inside,
        "next": next_page(request),
        **more,
    }


def _may_enter(request: HttpRequest) -> bool:
    return admin.site.has_permission(request)


def _to_login(request: HttpRequest) -> HttpResponse:
    path = request.get_full_path() if request.method == "GET" else reverse("two_factor_devices")
    return redirect_to_login(path, reverse("admin:login"))
