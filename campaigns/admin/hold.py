"""The page on which an operator releases held sending."""

from __future__ import annotations

import logging
import time

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from campaigns import releasing as of_campaigns
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel import releasing
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Installation, Message
from omnichannel.releasing import Release

logger = logging.getLogger(__name__)

AT_ONCE_SECONDS = 2.0  # the tick does what is left


class ReleaseForm(forms.Form):
    release = forms.ChoiceField(choices=Release.choices, widget=forms.RadioSelect)


def release_hold(request: HttpRequest) -> HttpResponse:
    """Ask what this database is and what is to become of what waits, then release."""
    if not request.user.has_perm("omnichannel.release_installation"):
        raise PermissionDenied
    form = ReleaseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _release(request, Release(form.cleaned_data["release"]))
    under_way = (CampaignStatus.SCHEDULED, *CampaignStatus.under_way())
    context = {
        **admin.site.each_context(request),
        "title": "Release sending",
        "form": form,
        "hold": Installation.objects.filter(held_since__isnull=False).first(),
        "waiting": Message.objects.filter(status__in=MessageStatus.waiting()).order_by().count(),
        "campaigns": Campaign.objects.filter(status__in=under_way).count(),
    }
    return render(request, "studio/release_hold.html", context)


def _release(request: HttpRequest, choice: Release) -> HttpResponse:
    at = timezone.now()
    try:
        campaigns = of_campaigns.release(choice, by=request.user.get_username(), at=at)
    except IllegalTransition as error:
        messages.error(request, str(error))
        return redirect("admin:index")
    row = Installation.objects.get()
    told = f"Sending released: {choice.label}"
    by = int(request.user.pk or 0)
    LogEntry.objects.log_actions(by, [row], CHANGE, told, single_object=True)
    count = releasing.go_on(at, until=time.monotonic() + AT_ONCE_SECONDS)
    if choice == Release.SEND:
        messages.success(request, "Sending is released: what waits is sent.")
    else:
        messages.success(
            request,
            f"{count:,} messages and {campaigns:,} campaigns were cancelled. Sending goes on as "
            "soon as nothing old waits any more.",
        )
    return redirect("admin:index")
