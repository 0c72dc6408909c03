"""What only an SMS template has: its links made short, and what India's register holds of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel import dlt, short_links
from omnichannel.admin.base import (
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.admin.template_form import TemplateForm
from omnichannel.choices import ChannelType
from omnichannel.models import SmsTemplate, TemplateVersion

FIELDS = ("text", "url_shorten")
DLT = ("India (DLT)", {"fields": ("dlt_template_id", "dlt_header", "dlt_text"), "classes": ["tab"]})


class SmsTemplateForm(TemplateForm):
    channel_type = ChannelType.SMS

    text = forms.CharField(
        strip=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(),
    )
    url_shorten = forms.BooleanField(
        label="Shorten links",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Links become short ones that lead through this server, which counts clicks.",
    )
    dlt_template_id = forms.CharField(
        label="DLT template ID",
        required=False,
        max_length=30,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Handed to providers that ask for it.",
    )
    dlt_header = forms.CharField(
        label="DLT header",
        required=False,
        max_length=11,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The registered sender. Empty: the provider's from address.",
    )
    dlt_text = forms.CharField(
        label="DLT registered text",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=f"As registered, with {dlt.VARIABLE} where up to {dlt.ROOM} characters may "
        "stand. A message that says anything else fails and is not sent.",
    )

    class Meta(TemplateForm.Meta):
        model = SmsTemplate


def looked_at(request: HttpRequest, text: str) -> dict[str, Any]:
    """How the rendered text goes out, and where it leaves the registered one."""
    version = TemplateVersion(
        url_shorten=bool(request.POST.get("url_shorten")),
        dlt_text=request.POST.get("dlt_text", "").replace("\r\n", "\n"),
    )
    sent = short_links.sample(version, text)
    is_known = len(version.dlt_text) <= dlt.LONGEST
    deviation = dlt.deviation_of(sent, version.dlt_text) if version.dlt_text and is_known else ""
    return {"text": sent, "deviation": deviation}
