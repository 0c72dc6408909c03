"""Sending a template's published version to one address, now."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404

from omnichannel import copies
from omnichannel.addresses import clean_address
from omnichannel.admin.base import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, row_id
from omnichannel.admin.provider_dialogs import AnsweringForm
from omnichannel.admin.template_languages import language_choices
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import MessageTemplate


class TemplateTestForm(AnsweringForm):
    address = forms.CharField(
        label="To Address",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Sent with the sample variables, by the default transactional provider.",
    )

    language = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.template.published_version
        if version is None or not version.languages:
            self.fields["language"].widget = forms.HiddenInput()
        else:
            choices = language_choices(version)
            cast(forms.ChoiceField, self.fields["language"]).choices = choices
        if version:
            copied = copies.of(version, self.template.sample_variables, to="")
            others = "; ".join(filter(None, copied))
            self.fields["address"].help_text += f" It also goes to {others}." if others else ""

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
