"""Sign-in: the password, then the second factor of who has one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from otp.models import BackupCodes, MessageDevice
from otp.two_factor import browsers, gate, guesses, message_codes, signing_in, standing
from otp.two_factor.access import for_signing_in, next_page, page, with_next
from otp.two_factor.forms import StepForm
from otp.two_factor.message_codes import NotSent
from otp.two_factor.standing import AnyDevice

CHOSEN = "two_factor.device"
LOCKED = 429


@never_cache
def log_in(request: HttpRequest) -> HttpResponse:
    """The Studio's login page, and what follows a right password."""
    if request.method == "GET" and gate.pending_user(request):
        return redirect(with_next("two_factor_step", request))
    response = admin.site.login(request)
    is_right = request.method == "POST" and response.status_code == 302
    return _after_password(request, response) if is_right else response


def _after_password(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    user, at = request.user, timezone.now()
    signing_in.make_fresh(request, at=at)
    if not standing.needs_second_factor(user):
        return response
    known = browsers.recognise(request, user, at=at)
    if known:
        signing_in.finish(request, user, known, at=at)
        return response
    ways = standing.ways_in(user)
    if ways:
        _choose(request, user, ways[0])
    return redirect(with_next("two_factor_step", request))


@for_signing_in
def second_step(request: HttpRequest, user: Any) -> HttpResponse:
    ways = standing.ways_in(user)
    if not ways:
        return redirect(with_next("two_factor_devices", request))
    device = _chosen(request, ways)
    at = timezone.now()
    locked = guesses.locked_until(user.pk, at=at)
    form = StepForm(
        request.POST or None,
        days=settings.TWO_FACTOR_REMEMBER_DAYS,
        is_backup=isinstance(device, BackupCodes),
    )
    if locked is None and request.method == "POST" and form.is_valid():
        answer = signing_in.check(request, user, device, form.cleaned_data["code"], at=at)
        if answer.is_right:
            return _signed_in(request, user, device, is_kept=form.cleaned_data.get("remember"))
        form.add_error("code", answer.problem)
        locked = guesses.locked_until(user.pk, at=at)
    return _step_page(request, user, ways, device, form, locked)


def _step_page(
    request: HttpRequest,
    user: Any,
    ways: list[AnyDevice],
    device: AnyDevice,
    form: Any,
    locked: Any,
) -> HttpResponse:
    at = timezone.now()
    kept = message_codes.waiting(request) if isinstance(device, MessageDevice) else None
    context = page(
        request,
        "Second step",
        who=user.get_username(),
        form=form,
        device=device,
        others=[way for way in ways if way != device],
        is_sent=kept is not None,
        wait=kept.seconds(at) if kept else 0,
        locked=signing_in.locked_text(locked, at=at) if locked else "",
    )
    status = LOCKED if locked else 200
    return TemplateResponse(request, "two_factor/step.html", context, status=status)


def _signed_in(
    request: HttpRequest, user: Any, device: AnyDevice, *, is_kept: bool | None
) -> HttpResponse:
    at = timezone.now()
    response = redirect(next_page(request))
    request.session.pop(CHOSEN, None)
    signing_in.finish(request, user, device, at=at)
    if is_kept:
        browsers.remember(request, response, user, device, at=at)
    if isinstance(device, BackupCodes) and device.left() <= FEW:
        messages.warning(request, f"Backup codes left: {device.left()}. Renew them soon.")
    return response


FEW = 3


@require_POST
@for_signing_in
def send(request: HttpRequest, user: Any) -> HttpResponse:
    """Another device, or another code to the same one."""
    ways = {way.persistent_id: way for way in standing.ways_in(user)}
    device = ways.get(request.POST.get("device", ""))
    if device:
        _choose(request, user, device)
    return redirect(with_next("two_factor_step", request))


@require_POST
@for_signing_in
def leave(request: HttpRequest, user: Any) -> HttpResponse:
    """The name and password of before are forgotten."""
    request.session.flush()
    return redirect("admin:login")


def _choose(request: HttpRequest, user: Any, device: AnyDevice) -> None:
    at = timezone.now()
    request.session[CHOSEN] = device.persistent_id
    if not isinstance(device, MessageDevice) or guesses.locked_until(user.pk, at=at):
        return
    kept = message_codes.waiting(request)
    try:
        if kept and kept.destination == device.destination:
            message_codes.ask_again(request, at=at)
        else:
            message_codes.ask(request, device.channel, device.destination, at=at)
    except NotSent as error:
        messages.error(request, str(error))


def _chosen(request: HttpRequest, ways: list[AnyDevice]) -> AnyDevice:
    wanted = request.session.get(CHOSEN)
    return next((way for way in ways if way.persistent_id == wanted), ways[0])


def locked_out(
    request: HttpRequest, original: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """For django-axes: too many wrong passwords."""
    minutes = settings.LOGIN_LOCK_MINUTES
    context = page(request, "Too many wrong passwords", minutes=minutes)
    return TemplateResponse(request, "two_factor/locked_out.html", context, status=LOCKED).render()
