"""The editor's form: a template's own fields, and the text of its next version."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from omnichannel import publishing
from omnichannel.addresses import clean_address
from omnichannel.admin.base import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget
from omnichannel.admin.sender_form import one_line
from omnichannel.admin.template_content import TOLD_AT, ContentForm, EmailContentForm
from omnichannel.admin.template_editor import HtmlEditor, source_kind_field
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage, TemplateError
from omnichannel.models import EmailTemplate, MessageTemplate, TemplateVersion
from omnichannel.template_checks import MAX_SAMPLES

TEXT_FIELDS = publishing.TEXTS


def clean_samples(text: str) -> dict[str, Any]:
    """The sample variables of a JSON text. Raises ValueError with what to mend."""
    if len(text) > MAX_SAMPLES:
        raise ValueError(f"The sample variables are longer than {MAX_SAMPLES:,} characters.")
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The sample variables are not valid JSON: {error}.") from error
    if not isinstance(values, dict):
        raise ValueError('Write the sample variables as {"name": "value"}.')
    return values


class TemplateForm(ContentForm):
    channel_type: ClassVar[str]
    version: TemplateVersion | None = None

    text = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text="Left empty, it is made from the HTML.",
    )

    class Meta:
        model = MessageTemplate
        fields = ("name", "description", "tags", "sample_variables", "category", "priority")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.instance.published_version
        for name in (*TEXT_FIELDS, *publishing.SWITCHES):
            if current and name in self.fields:
                self.initial.setdefault(name, getattr(current, name))
        for name in ("text", "sample_variables"):
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["class"] = f"{attrs.get('class', '')} template-code"
                attrs.update(spellcheck="false", rows=10)

    def clean_sample_variables(self) -> dict[str, Any]:
        values = self.cleaned_data["sample_variables"] or {}
        try:
            return clean_samples(json.dumps(values))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean_name(self) -> str:
        """The constraint spans the channel, which is not on the form."""
        name: str = self.cleaned_data["name"]
        same = MessageTemplate.objects.filter(channel_type=self.channel_type, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another template has this name already.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            self.check_text(data)
        return data

    def check_text(self, data: dict[str, Any]) -> None:
        """Prepare the next version, or say beside the field why that cannot be."""
        template = self.instance
        template.channel_type = self.channel_type
        template.sample_variables = data["sample_variables"]
        texts = {name: data.get(name, "") for name in TEXT_FIELDS}
        try:
            self.version = publishing.next_version(
                template,
                url_shorten=bool(data.get("url_shorten")),
                **texts,
                **self.content(data),
            )
        except TemplateError as error:
            part = TOLD_AT.get(error.part, error.part)
            self.add_error(part if part in self.fields else None, str(error))


class EmailTemplateForm(EmailContentForm, TemplateForm):
    channel_type = ChannelType.EMAIL

    subject = forms.CharField(
        max_length=998, validators=[one_line], widget=UnfoldAdminTextInputWidget()
    )
    html = forms.CharField(
        label="HTML",
        required=False,
        strip=False,
        widget=HtmlEditor(),
    )
    source_kind = source_kind_field()
    from_name = forms.CharField(
        label="From display name",
        max_length=120,
        validators=[one_line],
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Empty: the provider's.",
    )
    reply_to = forms.CharField(
        label="Reply to",
        max_length=320,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The address answers go to. Empty: the from address.",
    )

    class Meta(TemplateForm.Meta):
        model = EmailTemplate

    def clean_reply_to(self) -> str:
        text = self.cleaned_data["reply_to"]
        try:
            return clean_address(ChannelType.EMAIL, text) if text else ""
        except InvalidMessage as error:
            raise ValidationError(str(error)) from error

    def clean_from_name(self) -> str:
        name: str = self.cleaned_data["from_name"]
        if any(char in name for char in "\r\n\0"):
            raise ValidationError("A name cannot contain a line break.")
        return name

    def check_text(self, data: dict[str, Any]) -> None:
        if not (data["html"].strip() or data["text"].strip()):
            self.add_error("html", "Write the HTML, or a text.")
            return
        super().check_text(data)
