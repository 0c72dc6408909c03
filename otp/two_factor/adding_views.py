"""How a device is added: it counts once a code from it was entered."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from omnichannel.crypto import SecretUnreadable, decrypt, encrypt
from otp.choices import OtpChannel
from otp.models import MessageDevice, TotpDevice
from otp.two_factor import message_codes, totp
from otp.two_factor.access import for_fresh, page
from otp.two_factor.device_views import added
from otp.two_factor.forms import AddressForm, AppForm, CodeForm, NumberForm
from otp.two_factor.message_codes import NotSent

NEW_APP = "two_factor.new_app"


@for_fresh
def add_app(request: HttpRequest, user: Any) -> HttpResponse:
    secret = _new_secret(request)
    at = timezone.now()
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        step = totp.matching_step(secret, "".join(form.cleaned_data["code"].split()), at=at)
        if step is not None:
            del request.session[NEW_APP]
            device = TotpDevice.objects.create(
                user=user,
                name=form.cleaned_data["name"].strip(),
                secret=secret,
                last_step=step,
                created_at=at,
            )
            return added(request, user, device, at=at)
        form.add_error("code", "This is not the code that your app shows now.")
    where = totp.address(secret, issuer=str(admin.site.site_header), account=user.get_username())
    context = page(
        request,
        "Add an authenticator app",
        form=form,
        picture=totp.picture(where),
        secret=totp.in_groups(secret),
    )
    return TemplateResponse(request, "two_factor/app.html", context)


def _new_secret(request: HttpRequest) -> str:
    """Kept in the session, sealed, until a code proves that the app has it."""
    try:
        return decrypt(request.session[NEW_APP])
    except (KeyError, SecretUnreadable):
        secret = totp.new_secret()
        request.session[NEW_APP] = encrypt(secret)
        return secret


@for_fresh
def add_message(request: HttpRequest, user: Any, channel: str) -> HttpResponse:
    form_class = NumberForm if channel == OtpChannel.SMS else AddressForm
    first = {"destination": user.email} if channel == OtpChannel.EMAIL else {}
    form = form_class(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            to = form.cleaned_data["destination"].strip()
            message_codes.ask(request, channel, to, at=timezone.now())
            return redirect("two_factor_verify")
        except NotSent as error:
            form.add_error("destination", str(error))
    title = "Add a phone number" if channel == OtpChannel.SMS else "Add an e-mail address"
    context = page(request, title, form=form, channel=channel)
    return TemplateResponse(request, "two_factor/message.html", context)


@for_fresh
def verify_message(request: HttpRequest, user: Any) -> HttpResponse:
    kept = message_codes.waiting(request)
    if kept is None:
        return redirect("two_factor_devices")
    at = timezone.now()
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = "".join(form.cleaned_data["code"].split())
        problem, destination = message_codes.verified_destination(request, code, at=at)
        if not problem:
            device, _ = MessageDevice.objects.get_or_create(
                user=user,
                channel=kept.channel,
                destination=destination,
                defaults={"created_at": at},
            )
            return added(request, user, device, at=at)
        form.add_error("code", problem)
    context = page(request, "Enter the code", form=form, kept=kept, wait=kept.seconds(at))
    return TemplateResponse(request, "two_factor/verify.html", context)


@require_POST
@for_fresh
def verify_again(request: HttpRequest, user: Any) -> HttpResponse:
    try:
        message_codes.ask_again(request, at=timezone.now())
    except NotSent as error:
        messages.error(request, str(error))
    return redirect("two_factor_verify")
