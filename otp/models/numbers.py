from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage


class TestNumber(models.Model):
    """A destination with a code that is always the same, for those who test with a test key."""

    destination = models.CharField(
        "number or address",
        max_length=320,
        unique=True,
        help_text="A number with + and the country code, or an e-mail address.",
    )
    code = models.CharField(
        max_length=8,
        validators=[RegexValidator(r"^[0-9A-Z]{4,8}$", "Four to eight digits or capitals.")],
        help_text="Not a secret: it works with a test key only.",
    )
    note = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ("destination",)
        verbose_name = "test number"
        constraints = [
            models.CheckConstraint(condition=~Q(destination=""), name="otp_test_has_destination"),
        ]

    def __str__(self) -> str:
        return self.destination

    def clean(self) -> None:
        """In the form in which requests are compared with it."""
        channel = ChannelType.EMAIL if "@" in self.destination else ChannelType.SMS
        try:
            address = clean_address(channel, self.destination, settings.DEFAULT_PHONE_REGION)
        except InvalidMessage as error:
            raise ValidationError({"destination": str(error)}) from error
        self.destination = address.lower()
