"""The form of an outgoing webhook: where it leads and what is told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from omnichannel.admin.base import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.backends.outside import LONGEST_URL, AddressRefused, check_url
from omnichannel.choices import Category, WebhookEvent
from omnichannel.models import OutgoingWebhook

# What most systems want; opens and clicks of a campaign are many.
USUAL = (
    *(WebhookEvent.SENT, WebhookEvent.DELIVERED, WebhookEvent.FAILED, WebhookEvent.BOUNCED),
    *(WebhookEvent.UNCERTAIN, WebhookEvent.EXPIRED, WebhookEvent.SUPPRESSED),
)
EVENTS = [(event.value, f"{event.label} ({event.value})") for event in WebhookEvent]


class OutgoingWebhookForm(forms.ModelForm):
    url = forms.CharField(
        label="URL",
        max_length=LONGEST_URL,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://crm.example.com/in"}),
        help_text="Where the other system takes calls. Redirects are not followed.",
    )
    event_types = forms.MultipleChoiceField(
        label="Events",
        choices=EVENTS,
        initial=[event.value for event in USUAL],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Each of them is one call.",
    )
    categories = forms.MultipleChoiceField(
        choices=Category.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Of the messages it is told of. None: all of them.",
    )
    is_active = forms.BooleanField(
        label="Active",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Switched off, it is called no more, and is never told what happens meanwhile.",
    )

    class Meta:
        model = OutgoingWebhook
        fields = ("name", "url", "event_types", "categories", "is_active")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_url(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)
        except AddressRefused as error:
            raise forms.ValidationError(str(error)) from error
        return url

    def save(self, commit: bool = True) -> Any:
        """The ticks write the other columns at the same time."""
        if self.instance.pk and commit:
            self.instance.save(update_fields=self.Meta.fields)
            return self.instance
        return super().save(commit)
