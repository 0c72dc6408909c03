"""Sending a template's published version to one address, now."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone

from omnichannel.addresses import clean_address
from omnichannel.admin.base import UnfoldAdminTextInputWidget, row_id
from omnichannel.admin.provider_dialogs import AnsweringForm, deliver_and_tell, not_sent
from omnichannel.choices import Category, Priority
from omnichannel.exceptions import InvalidMessage, OmnichannelError
from omnichannel.models import Message, MessageTemplate
from omnichannel.routing import pick_provider


class TemplateTestForm(AnsweringForm):
    address = forms.CharField(
        label="To Address",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Sent with the sample variables, by the default transactional provider.",
    )

    @property
    def template(self) -> MessageTemplate:
        return get_object_or_404(MessageTemplate, pk=row_id(self.object_id))

    def clean_address(self) -> str:
        try:
            return clean_address(
                self.template.channel_type,
                self.cleaned_data["address"],
                settings.DEFAULT_PHONE_REGION,
            )
        except InvalidMessage as error:
            raise ValidationError(str(error)) from error


def send_template(template: MessageTemplate, address: str) -> dict[str, Any]:
    """Send the published version through the queue at once; answer what came of it."""
    started = time.monotonic()
    try:
        provider = pick_provider(
            template.channel_type, Category.TRANSACTIONAL, address=address, at=timezone.now()
        )
    except OmnichannelError as error:
        return not_sent(started, error)
    return deliver_and_tell(
        Message(
            provider=provider,
            category=Category.TRANSACTIONAL,
            priority=Priority.URGENT,
            to_address=address,
            template_version=template.published_version,
            variables=template.sample_variables,
        )
    )
