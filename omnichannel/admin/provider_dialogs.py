"""What an operator may ask of one provider, and what it answered."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone

from omnichannel import delivery, outbox
from omnichannel.addresses import clean_address
from omnichannel.admin.base import (
    BaseDialogForm,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    row_id,
)
from omnichannel.choices import Category, ChannelType, MessageStatus, Priority
from omnichannel.exceptions import InvalidMessage, OmnichannelError
from omnichannel.models import ChannelProvider, Message
from omnichannel.outgoing import backend_of

GOOD = (MessageStatus.SENT, MessageStatus.DELIVERED)
TEST_TEXT = "This is a test message from Omnichannel Studio."


class AnsweringForm(BaseDialogForm):
    """A dialog that stays open and shows what the provider answered."""

    form_after_template = "admin/omnichannel/dialog_answer.html"
    answer: dict[str, Any] | None = None

    def get_after_template_context(
        self, request: Any, object_id: int | str | None = None
    ) -> dict[str, Any]:
        return {"answer": self.answer}

    @property
    def provider(self) -> ChannelProvider:
        return get_object_or_404(ChannelProvider, pk=row_id(self.object_id))


class TestMessageForm(AnsweringForm):
    address = forms.CharField(label="To Address", widget=UnfoldAdminTextInputWidget())
    text = forms.CharField(
        initial=TEST_TEXT, max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    def clean_address(self) -> str:
        try:
            return clean_address(
                self.provider.channel_type,
                self.cleaned_data["address"],
                settings.DEFAULT_PHONE_REGION,
            )
        except InvalidMessage as error:
            raise ValidationError(str(error)) from error


class CheckForm(AnsweringForm):
    pass


def send_test(provider: ChannelProvider, address: str, text: str) -> dict[str, Any]:
    """Send one message through the queue, now; answer what came of it."""
    is_email = provider.channel_type == ChannelType.EMAIL
    message = Message(
        provider=provider,
        category=Category.TRANSACTIONAL,
        priority=Priority.URGENT,
        to_address=address,
        subject="Test message" if is_email else "",
        body_text=text,
    )
    return deliver_and_tell(message)


def deliver_and_tell(message: Message) -> dict[str, Any]:
    """Send one unsaved message in this request; answer what came of it, for the dialog."""
    started = time.monotonic()
    try:
        message = outbox.enqueue(message, at=timezone.now())
        message = delivery.deliver_now(message, at=timezone.now())
    except OmnichannelError as error:
        return not_sent(started, error)
    return _answer(started, **_told(message))


def not_sent(started: float, error: Exception) -> dict[str, Any]:
    """`started` is a monotonic moment."""
    return _answer(started, good=False, outcome="Not sent", text=str(error))


def _told(message: Message) -> dict[str, Any]:
    """The row, and the event that the attempt left, in the words of the dialog."""
    event = message.events.order_by("-id").first()
    provider = ChannelProvider.objects.get(pk=message.provider_id)
    code = event.code if event else message.error_code
    told = (event.description if event else message.error_message) or provider.trouble
    return {
        "good": message.status in GOOD,
        "outcome": message.get_status_display(),
        "code": code,
        "meaning": message.provider_status,
        "text": told,
        "external_id": message.external_id,
        "waits_until": message.due_at if message.status == MessageStatus.SCHEDULED else None,
        "message": message,
    }


def try_connection(provider: ChannelProvider) -> dict[str, Any]:
    """Try the connection and the credentials; answer what was said."""
    started = time.monotonic()
    try:
        backend = backend_of(provider)
    except OmnichannelError as error:
        return _answer(started, good=False, outcome="Not checked", text=str(error))
    try:
        said = backend.check()
    except OmnichannelError as error:
        code = getattr(error, "code", "")
        return _answer(started, good=False, outcome="No", code=code, text=str(error))
    finally:
        backend.close()
    return _answer(started, good=True, outcome="It works", text=said)


def _answer(started: float, **said: Any) -> dict[str, Any]:
    return {**said, "seconds": f"{time.monotonic() - started:.2f}"}
