"""What a user proves to have. A row exists only once a code has confirmed it."""

from __future__ import annotations

from django.db import models
from django_otp.models import Device

from omnichannel.models.fields import EncryptedTextField
from otp.choices import OtpChannel


class TotpDevice(Device):
    """An authenticator app (RFC 6238)."""

    kind = "app"
    icon = "phonelink_lock"

    secret = EncryptedTextField()
    last_step = models.BigIntegerField(default=0)  # the newest time step whose code was used
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()  # each has only their own
        verbose_name = "authenticator app"

    def __str__(self) -> str:
        return self.name or "Authenticator app"

    def use_step(self, step: int) -> bool:
        """Whether the code of this step may count: each counts once, and none before it."""
        newer = TotpDevice.objects.filter(pk=self.pk, last_step__lt=step)
        return bool(newer.update(last_step=step))


class MessageDevice(Device):
    """A number or an address that codes are sent to, verified by one of them.

    Without a destination it was erased: it still asks for a second factor, and is none.
    """

    kind = "message"

    channel = models.CharField(max_length=10, choices=OtpChannel)
    destination = models.CharField(max_length=320)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = "code by message"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "channel", "destination"], name="message_device_once"
            )
        ]

    def __str__(self) -> str:
        way = "SMS" if self.channel == OtpChannel.SMS else "E-mail"
        if not self.destination:
            return f"{way} to an erased address"
        return f"{way} to {masked(self.destination)}"

    @property
    def icon(self) -> str:
        return "sms" if self.channel == OtpChannel.SMS else "mail"


def masked(destination: str) -> str:
    """Enough for its owner to know it again: the first and the last of it."""
    name, at, domain = destination.rpartition("@")
    if at:
        return f"{name[:1]}\u2022\u2022\u2022@{domain}"
    return f"{destination[:2]}\u2022\u2022\u2022{destination[-2:]}"
