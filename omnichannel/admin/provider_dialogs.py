"""What an operator may ask of one provider, and what it answered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404

from omnichannel.addresses import clean_address
from omnichannel.admin.base import (
    BaseDialogForm,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    row_id,
)
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider

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
