"""The form of an integration: its own fields, and those of the chosen protocol."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.admin.connection_forms import (
    CERTIFICATES,
    COLUMNS,
    connection_of,
    faults,
    is_moved,
    put,
    read_certificate,
)
from integrations.choices import DefaultRule, Protocol
from integrations.models import As2Connection, Integration, SftpConnection

OWN = ("mailbox", "protocol", "notify_email", "default_rule", "reject_reason")


class IntegrationForm(forms.ModelForm):
    """`connection` is the row of the chosen protocol, with the form's values and not saved."""

    connection: SftpConnection | As2Connection | None = None

    class Meta:
        model = Integration
        fields = OWN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for protocol, names in COLUMNS.items():
            stored = connection_of(self.instance, protocol)
            for name in names:
                field = self.fields.get(f"{protocol}_{name}")
                if field is None:
                    continue
                self.initial.setdefault(f"{protocol}_{name}", getattr(stored, name))
                field.required = False  # of the other protocol they may be anything
        mailbox = self.initial.get("mailbox")
        if "as2_self_id" in self.fields and not self.initial.get("as2_self_id"):
            self.fields["as2_self_id"].help_text = "Empty: made from the mailbox's name."
        if "mailbox" in self.fields and mailbox:
            self.fields["mailbox"].help_text = "One integration for each mailbox."

    @property
    def has_connection(self) -> bool:
        """Only who may manage connections gets their fields."""
        return "sftp_quota_mb" in self.fields

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("default_rule") == DefaultRule.REJECT and not data.get("reject_reason"):
            self.add_error("reject_reason", "Say why the envelopes are rejected.")
        if data.get("default_rule") == DefaultRule.NOTIFY and not data.get("notify_email"):
            self.add_error("notify_email", "Say who is notified.")
        protocol = data.get("protocol") or self.instance.protocol
        if self.has_connection:
            self._take_connection(protocol, data)
        return data

    def _take_connection(self, protocol: str, data: dict[str, Any]) -> None:
        if protocol == Protocol.AS2:
            self._take_certificates(data)
            data["as2_self_id"] = data.get("as2_self_id") or self._usual_id(data)
        for name, text in faults(protocol, data):
            self.add_error(name, text)
        connection = connection_of(self.instance, protocol)
        self._keep_password_here(connection, data)
        mine = {name: value for name, value in data.items() if value is not None}
        put(connection, protocol, mine)
        try:
            connection.full_clean(exclude=["integration"])
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                field = f"{protocol}_{name}"
                self.add_error(field if field in self.fields else None, texts)
        self.connection = connection

    def _keep_password_here(
        self, before: SftpConnection | As2Connection, data: dict[str, Any]
    ) -> None:
        """A stored password goes to the host that it was entered for, and to no other."""
        if self.errors or not isinstance(before, As2Connection):
            return
        is_settled = data.get("as2_new_http_password") or data.get("as2_clear_http_password")
        if not is_settled and is_moved(before, data):
            text = (
                "The recipient URL leads to another host: enter the password again, or forget it."
            )
            self.add_error("as2_new_http_password", text)

    def _take_certificates(self, data: dict[str, Any]) -> None:
        for name in CERTIFICATES:
            field = f"as2_{name}"
            try:
                data[field] = read_certificate(data.get(field) or "", data.get(f"{field}_file"))
            except ValidationError as error:
                self.add_error(field, error)

    def _usual_id(self, data: dict[str, Any]) -> str:
        mailbox = data.get("mailbox") or (self.instance.pk and self.instance.mailbox)
        name = "".join(char for char in str(mailbox or "") if char.isascii() and char.isprintable())
        return " ".join(name.replace('"', "").replace("\\", "").split())[:128] or "STUDIO"
