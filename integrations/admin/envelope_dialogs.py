"""What is asked before an envelope or one of its deliveries moves."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from integrations import reprocessing
from integrations.choices import DeliveryStatus
from integrations.models import EnvelopeDelivery
from omnichannel.admin.base import (
    BaseDialogForm,
    DestructiveDialog,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    row_id,
)


class DeliveryDialog(BaseDialogForm):
    """Which of the mailboxes it is about; of one there is nothing to choose."""

    statuses: ClassVar[frozenset[DeliveryStatus]] = frozenset(DeliveryStatus)

    delivery = forms.ChoiceField(label="Mailbox", widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["delivery"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (row.pk, f"{row.mailbox} ({row.get_status_display()})") for row in self.rows()
        ]

    def rows(self) -> QuerySet[EnvelopeDelivery]:
        rows = EnvelopeDelivery.objects.filter(envelope=row_id(self.object_id))
        return rows.filter(status__in=self.statuses).select_related("mailbox").order_by("pk")

    def chosen(self) -> EnvelopeDelivery:
        return get_object_or_404(self.rows(), pk=row_id(self.cleaned_data["delivery"]))


class SeenDialog(DeliveryDialog):
    def rows(self) -> QuerySet[EnvelopeDelivery]:
        return super().rows().filter(seen_at=None)


class WaitingDialog(DeliveryDialog):
    statuses = frozenset({DeliveryStatus.WAITING})


class RepeatableDialog(DeliveryDialog):
    statuses = frozenset(reprocessing.REPEATABLE)


class CancelDialog(DestructiveDialog):
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept with the envelope and in the audit trail.",
    )


SEEN = {
    "title": "Mark as seen",
    "description": "Somebody of this mailbox has looked at it.",
    "form_class": SeenDialog,
    "form_submit_text": "Mark as seen",
}
COMPLETE = {
    "title": "Mark this envelope as completed?",
    "description": "Everybody did with it what they should. It cannot be opened again.",
    "form_submit_text": "Complete",
}
CANCEL = {
    "title": "Cancel this envelope?",
    "description": "What was delivered stays where it is; nothing more happens with it.",
    "form_class": CancelDialog,
    "form_submit_text": "Cancel the envelope",
}
PROCESS = {
    "title": "Process what waits?",
    "description": "Everything of the mailbox that waited while its integration was off. The "
    "integration must be on.",
    "form_class": WaitingDialog,
    "form_submit_text": "Process now",
}
REPROCESS = {
    "title": "Process this delivery again?",
    "description": "The envelope goes through today's IN rules of the mailbox once more. The log "
    "of the first time stays.",
    "form_class": RepeatableDialog,
    "form_submit_text": "Reprocess",
}
