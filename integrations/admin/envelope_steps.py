"""What is done with an envelope by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from integrations import connections, envelopes, reprocessing
from integrations.admin import envelope_dialogs
from integrations.choices import DeliveryStatus, EnvelopeStatus
from integrations.models import Envelope
from omnichannel.admin.base import ActionVariant, StudioAdmin, action, row_id
from omnichannel.exceptions import OmnichannelError

OPEN = ("mark_completed", "cancel_envelope")


class EnvelopeSteps(StudioAdmin):
    actions_detail = (
        *("mark_seen", "mark_completed", "process_now", "reprocess_delivery"),
        "cancel_envelope",
    )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what its state, and that of its deliveries, allows."""
        row = get_object_or_404(Envelope.objects.only("status"), pk=row_id(object_id))
        at = set(row.deliveries.values_list("status", "seen_at"))
        statuses = {status for status, _ in at}
        allowed = set(OPEN) if row.status in EnvelopeStatus.open() else set()
        if any(seen is None for _, seen in at):
            allowed.add("mark_seen")
        if DeliveryStatus.WAITING in statuses:
            allowed.add("process_now")
        if statuses & set(reprocessing.REPEATABLE):
            allowed.add("reprocess_delivery")
        found = super().get_actions_detail(request, object_id)
        return [step for step in found if any(step.action_name.endswith(name) for name in allowed)]

    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.change_envelope")

    def has_delivery_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.change_envelopedelivery")

    @action(
        description="Mark as seen",
        icon="visibility",
        permissions=["move"],
        dialog=envelope_dialogs.SEEN,
    )
    def mark_seen(
        self, request: HttpRequest, form: envelope_dialogs.SeenDialog, object_id: str
    ) -> HttpResponse:
        delivery = form.chosen()
        return self._step(
            request, object_id, lambda _, by, at: envelopes.see(delivery, by=by, at=at), "{}: seen."
        )

    @action(
        description="Mark as completed",
        icon="done_all",
        permissions=["move"],
        dialog=envelope_dialogs.COMPLETE,
    )
    def mark_completed(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._step(
            request,
            object_id,
            lambda row, by, at: envelopes.complete(row, by=by, at=at),
            "{} is completed.",
        )

    @action(
        description="Cancel",
        icon="cancel",
        permissions=["move"],
        variant=ActionVariant.DANGER,
        dialog=envelope_dialogs.CANCEL,
    )
    def cancel_envelope(
        self, request: HttpRequest, form: envelope_dialogs.CancelDialog, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._step(
            request,
            object_id,
            lambda row, by, at: envelopes.cancel(row, reason, by=by, at=at),
            "{} is cancelled.",
        )

    @action(
        description="Process now",
        icon="play_arrow",
        permissions=["delivery"],
        dialog=envelope_dialogs.PROCESS,
    )
    def process_now(
        self, request: HttpRequest, form: envelope_dialogs.WaitingDialog, object_id: str
    ) -> HttpResponse:
        integration = form.chosen().mailbox.integration
        return self._step(
            request,
            object_id,
            lambda _, by, at: connections.process_now(integration, by=request.user, at=at),
            "{}: what waited is processed now.",
        )

    @action(
        description="Reprocess",
        icon="replay",
        permissions=["delivery"],
        dialog=envelope_dialogs.REPROCESS,
    )
    def reprocess_delivery(
        self, request: HttpRequest, form: envelope_dialogs.RepeatableDialog, object_id: str
    ) -> HttpResponse:
        delivery = form.chosen()
        return self._step(
            request,
            object_id,
            lambda _, by, at: reprocessing.delivery(delivery, by=request.user, at=at),
            "{} is processed again.",
        )

    def _step(
        self, request: HttpRequest, object_id: str, move: Callable[..., object], text: str
    ) -> HttpResponse:
        row = get_object_or_404(Envelope, pk=row_id(object_id))
        try:
            move(row, request.user.get_username(), timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, row.get_absolute_url())
        return self.done(request, text.format(row), row.get_absolute_url())
