"""Switching an integration, new passwords and certificates, and trying a connection."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from integrations import as2_sending, certificates, connections, passwords
from integrations.admin import shown_once
from integrations.admin.integration_saving import user_of
from integrations.admin.transmissions import PROCESS_DIALOG
from integrations.choices import DeliveryStatus, Protocol, TransmissionStatus
from integrations.models import (
    As2Connection,
    EnvelopeDelivery,
    Integration,
    SftpConnection,
)
from omnichannel.admin.base import (
    ActionVariant,
    DestructiveDialog,
    StudioAdmin,
    action,
    row_id,
)
from omnichannel.admin.provider_dialogs import AnsweringForm
from omnichannel.exceptions import OmnichannelError

ON_DIALOG = {
    "title": "Switch this integration on?",
    "description": "From now on the partner can connect, and what comes and goes is processed. "
    "What waited stays waiting until you press “Process now” on it.",
    "form_submit_text": "Switch on",
}
OFF_DIALOG = {
    "title": "Switch this integration off?",
    "description": "Sessions end within two seconds, sign-ins and AS2 messages are refused and "
    "nothing is sent. Envelopes still reach the mailbox and wait there.",
    "form_submit_text": "Switch off",
    "form_class": DestructiveDialog,
}
RESET_DIALOG = {
    "title": "Reset the password?",
    "description": "The present password stops working at once and live sessions end. The new one "
    "is shown once, on the next page: give it to the partner.",
    "form_submit_text": "Reset",
    "form_class": DestructiveDialog,
}
RENEW_DIALOG = {
    "title": "Renew our certificate?",
    "description": "A new key and certificate are made beside the present ones. Give the new "
    "certificate to the partner; messages for either are understood from now on, and we sign with "
    "the new one in two weeks.",
    "form_submit_text": "Renew",
}
FOLLOWING_DIALOG = {
    "title": "Sign with the next certificate now?",
    "description": "Only when the partner has it. Messages for the old one are understood for two "
    "more weeks.",
    "form_submit_text": "Switch over",
}
TEST_DIALOG = {
    "title": "Test the connection",
    "description": "A small message goes to the recipient URL, signed and encrypted like any "
    "other, and its receipt is checked.",
    "form_class": AnsweringForm,
    "form_submit_text": "Send",
}
STEPS = {
    True: "switch_off",
    False: "switch_on",
}


def waiting_of(row: Integration) -> int:
    """How much waits since it was off: files, and envelopes for the mailbox."""
    deliveries = EnvelopeDelivery.objects.filter(mailbox=row.mailbox_id)
    files = row.transmissions.filter(status=TransmissionStatus.WAITING).count()
    return files + deliveries.filter(status=DeliveryStatus.WAITING).count()


class ConnectionActions(StudioAdmin):
    actions_detail = (
        *("switch_on", "switch_off", "process_now", "reset_password", "renew_certificate"),
        *("switch_over", "test_connection"),
    )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what fits the protocol and the state."""
        row = get_object_or_404(Integration, pk=row_id(object_id))
        by_protocol = {
            Protocol.SFTP: {"reset_password"},
            Protocol.AS2: {"renew_certificate", "switch_over", "test_connection"},
        }
        waits = {"process_now"} if waiting_of(row) else set()
        allowed = {*waits, STEPS[row.active], *by_protocol[Protocol(row.protocol)]}
        found = super().get_actions_detail(request, object_id)
        return [step for step in found if any(step.action_name.endswith(name) for name in allowed)]

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.manage_connection")

    @action(
        description="Switch on",
        icon="toggle_on",
        permissions=["manage"],
        variant=ActionVariant.PRIMARY,
        dialog=ON_DIALOG,
    )
    def switch_on(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._switch(request, object_id, True)

    @action(
        description="Switch off",
        icon="toggle_off",
        permissions=["manage"],
        variant=ActionVariant.DANGER,
        dialog=OFF_DIALOG,
    )
    def switch_off(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._switch(request, object_id, False)

    def _switch(self, request: HttpRequest, object_id: str, on: bool) -> HttpResponse:
        row = get_object_or_404(Integration, pk=row_id(object_id))
        try:
            connections.switch(row, on, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, row.get_absolute_url())
        told = f"{row} is {'on' if on else 'off'}."
        self.log_change(request, row, told)
        return self.done(request, told, row.get_absolute_url())

    def has_process_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.change_transmission")

    @action(
        description="Process now",
        icon="play_arrow",
        permissions=["process"],
        dialog=PROCESS_DIALOG,
    )
    def process_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(Integration, pk=row_id(object_id))
        try:
            count = connections.process_now(row, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, row.get_absolute_url())
        return self.done(request, f"{count:,} are processed now.", row.get_absolute_url())

    @action(
        description="Reset password",
        icon="key",
        permissions=["manage"],
        dialog=RESET_DIALOG,
    )
    def reset_password(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        sftp = get_object_or_404(SftpConnection, integration=row_id(object_id))
        password = passwords.generate(sftp, user_of(request), timezone.now())
        shown_once.keep(request, f"sftp_{object_id}", password)
        self.log_change(request, sftp.integration, "Reset the password.")
        url = sftp.integration.get_absolute_url()
        return self.done(request, "There is a new password: copy it now.", url)

    @action(
        description="Renew certificate",
        icon="autorenew",
        permissions=["manage"],
        dialog=RENEW_DIALOG,
    )
    def renew_certificate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        as2 = get_object_or_404(As2Connection, integration=row_id(object_id))
        url = as2.integration.get_absolute_url()
        try:
            certificates.renew(as2, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, url)
        self.log_change(request, as2.integration, "Renewed the certificate.")
        return self.done(request, "The next certificate is made: give it to the partner.", url)

    def has_following_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only while there is a next certificate that does not sign yet."""
        if not self.has_manage_permission(request) or not object_id:
            return self.has_manage_permission(request)
        later = As2Connection.objects.exclude(next_certificate="")
        return later.filter(integration=row_id(object_id)).exists() or request.method == "POST"

    @action(
        description="Sign with the next certificate",
        icon="swap_horiz",
        permissions=["following"],
        dialog=FOLLOWING_DIALOG,
    )
    def switch_over(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        as2 = get_object_or_404(As2Connection, integration=row_id(object_id))
        url = as2.integration.get_absolute_url()
        try:
            certificates.switch_over(as2, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, url)
        self.log_change(request, as2.integration, "Signs with the next certificate.")
        return self.done(request, "We sign with the next certificate from now on.", url)

    @action(
        description="Test connection",
        icon="network_check",
        permissions=["manage"],
        dialog=TEST_DIALOG,
    )
    def test_connection(
        self, request: HttpRequest, form: AnsweringForm, object_id: str
    ) -> HttpResponse:
        as2 = get_object_or_404(As2Connection, integration=row_id(object_id))
        started = time.monotonic()
        try:
            answer = as2_sending.test_connection(as2)
            form.answer = {"good": answer.good, "outcome": answer.outcome, "text": answer.text}
        except OmnichannelError as error:
            form.answer = {"good": False, "outcome": "It did not work", "text": str(error)}
        form.answer["seconds"] = f"{time.monotonic() - started:.2f}"
        return self.answer(request, form, TEST_DIALOG)
