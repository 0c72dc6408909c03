"""A user's own devices: the list, and how one is added or removed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from omnichannel.exceptions import IllegalTransition
from otp.models import MessageDevice, RememberedBrowser, TotpDevice
from otp.two_factor import audit, backup_codes, browsers, removal, signing_in, standing
from otp.two_factor.access import for_fresh, for_owner, next_page, page
from otp.two_factor.forms import PasswordForm

KINDS: dict[str, type[TotpDevice | MessageDevice]] = {"app": TotpDevice, "message": MessageDevice}


@for_owner
def devices(request: HttpRequest, user: Any) -> HttpResponse:
    at = timezone.now()
    found = standing.devices_of(user)
    sheet = standing.backup_codes_of(user) if found else None
    context = page(
        request,
        "Two-factor sign-in" if request.user.is_authenticated else "Set up two-factor sign-in",
        devices=found,
        is_required=standing.is_required_of(user),
        codes_left=sheet.left() if sheet else 0,
        codes_made=backup_codes.COUNT,
        browsers=browsers.valid(user, at=at),
        this_browser=browsers.this_one(request, user, at=at),
        days=settings.TWO_FACTOR_REMEMBER_DAYS,
    )
    return TemplateResponse(request, "two_factor/devices.html", context)


def added(
    request: HttpRequest, user: Any, device: TotpDevice | MessageDevice, *, at: Any
) -> HttpResponse:
    """A device has proved itself: the session has its second factor. The first brings codes."""
    audit.note(user, user, f"Two-factor device added: {device}.")
    signing_in.finish(request, user, device, at=at)
    if standing.backup_codes_of(user) is None:
        return _codes_page(request, user, f"{device} was added.")
    messages.success(request, f"{device} was added.")
    return redirect("two_factor_devices")


@for_fresh
def remove(request: HttpRequest, user: Any, kind: str, pk: int) -> HttpResponse:
    if kind not in KINDS:
        raise Http404("There is no such device.")
    device = get_object_or_404(KINDS[kind]._default_manager, pk=pk, user=user)
    if request.method != "POST":
        context = page(request, f"Remove {device}?", device=device)
        context["is_last"] = len(standing.devices_of(user)) == 1
        return TemplateResponse(request, "two_factor/remove.html", context)
    name = str(device)
    try:
        removal.remove(device)
    except IllegalTransition as error:
        messages.error(request, str(error))
    else:
        signing_in.go_on(request, user)
        audit.note(user, user, f"Two-factor device removed: {name}.")
        messages.success(request, f"{name} was removed.")
    return redirect("two_factor_devices")


@require_POST
@for_fresh
def renew_codes(request: HttpRequest, user: Any) -> HttpResponse:
    if not standing.user_has_device(user):
        return redirect("two_factor_devices")
    audit.note(user, user, "Backup codes renewed.")
    return _codes_page(request, user, "The backup codes of before work no more.")


def _codes_page(request: HttpRequest, user: Any, told: str) -> HttpResponse:
    """Not a redirect: it would have to keep the codes until the next page asks for them."""
    codes = backup_codes.renew(user, at=timezone.now())
    context = page(request, "Backup codes", codes=codes, told=told)
    return TemplateResponse(request, "two_factor/codes.html", context)


@require_POST
@for_owner
def forget_browsers(request: HttpRequest, user: Any) -> HttpResponse:
    """One (`browser`), or all."""
    rows = RememberedBrowser.objects.filter(user=user)
    which = request.POST.get("browser", "")
    if which.isascii() and which.isdigit():
        rows = rows.filter(pk=int(which[:18]))
    rows.delete()
    messages.success(request, "Forgotten: the second step is asked for there again.")
    return redirect("two_factor_devices")


@for_owner
def confirm(request: HttpRequest, user: Any) -> HttpResponse:
    """Asks for the password before something is changed that keeps others out."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        # Through the backends, so that guesses are counted as on the login page.
        known = authenticate(request, username=user.get_username(), password=password)
        if known is not None and known.pk == user.pk:
            signing_in.make_fresh(request, at=timezone.now())
            return redirect(next_page(request))
        form.add_error("password", "This is not your password.")
    context = page(request, "Confirm that it is you", form=form)
    return TemplateResponse(request, "two_factor/confirm.html", context)
