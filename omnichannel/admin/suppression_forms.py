"""What an operator says about suppressions: a new one, a file of them, the end of some."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from django.utils import timezone

from omnichannel.admin.address_form import AddressForm
from omnichannel.admin.base import (
    BaseDialogForm,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
    row_id,
)
from omnichannel.admin.table_pages import TableForm
from omnichannel.choices import Category, ChannelType, SuppressionReason
from omnichannel.models import Suppression

SURE = "I have reason to believe that the address works and that its owner wants to hear from us"


KEY = ("channel_type", "address", "category", "reason")


class SuppressionForm(AddressForm):
    class Meta:
        model = Suppression
        fields = ("channel_type", "address", "category", "reason", "note", "expires_at")

    def clean_expires_at(self) -> datetime.datetime | None:
        until: datetime.datetime | None = self.cleaned_data["expires_at"]
        if until and until <= timezone.now():
            raise forms.ValidationError("Enter a moment in the future, or leave it empty.")
        return until

    def clean(self) -> dict[str, Any]:
        """What is known already may be said again: the latest word counts."""
        cleaned = super().clean()
        key = {name: cleaned.get(name) for name in KEY}
        self.instance = Suppression.objects.filter(**key).first() or self.instance
        return cleaned


class SuppressionTableForm(TableForm):
    channel_type = forms.ChoiceField(
        label="Channel",
        choices=[("", "By the form of the address"), *ChannelType.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="This and what follows count for rows that do not say it themselves.",
    )
    category = forms.ChoiceField(
        choices=[("", "Every category"), *Category.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    reason = forms.ChoiceField(
        choices=SuppressionReason.choices,
        initial=SuppressionReason.IMPORT,
        widget=UnfoldAdminSelectWidget(),
    )


class LiftForm(BaseDialogForm):
    """Asks for a tick where lifting may do harm."""

    sure = forms.BooleanField(
        label=SURE,
        widget=UnfoldBooleanSwitchWidget(),
        error_messages={"required": "Tick this to lift a hard bounce or a complaint."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = get_object_or_404(Suppression, pk=row_id(self.object_id))
        if row.reason not in SuppressionReason.strict():
            del self.fields["sure"]
