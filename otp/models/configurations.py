from __future__ import annotations

import datetime
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from otp.choices import CodeKind, ExpiryUnit, OtpChannel
from otp.models.template_rules import trouble_of

LONGEST_SECONDS = 600  # NIST SP 800-63B and OWASP ASVS 6.5.5: ten minutes
MOST_TRIES = 10
SHORT_LENGTH = 4  # 13 bits: of low assurance, with tighter limits
SHORT_TRIES = 3
SHORT_FAILURES = 3
LENGTHS = ((4, "4 (low assurance)"), (6, "6"), (8, "8"))
DEFAULT_PURPOSE = "default"

_SHORT_IS_TIGHT = Q(length__gt=SHORT_LENGTH) | Q(
    tries__lte=SHORT_TRIES, failures_per_destination_day__lte=SHORT_FAILURES
)
_ENDS_IN_TIME = Q(expiry_unit=ExpiryUnit.SECONDS, expiry_duration__lte=LONGEST_SECONDS) | Q(
    expiry_unit=ExpiryUnit.MINUTES, expiry_duration__lte=LONGEST_SECONDS // 60
)


def _number(label: str, default: int, least: int, most: int, help_text: str) -> Any:
    return models.PositiveIntegerField(
        label,
        default=default,
        validators=[MinValueValidator(least), MaxValueValidator(most)],
        help_text=help_text,
    )


class OtpConfiguration(models.Model):
    """How codes for one purpose are made, sent, limited and checked."""

    purpose = models.SlugField(
        max_length=40,
        unique=True,
        help_text="What the code is for, as callers name it, such as login. A code for one "
        "purpose is refused for any other.",
    )
    name = models.CharField(
        max_length=120, help_text="As the message may say it: {{ purpose_label }}."
    )
    is_default = models.BooleanField(
        "default", default=False, help_text="Used for purposes that have no configuration."
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: no code is sent for this purpose."
    )

    length = models.PositiveSmallIntegerField(choices=LENGTHS, default=6)
    kind = models.CharField(
        "made of", max_length=12, choices=CodeKind.choices, default=CodeKind.NUMERIC
    )
    expiry_duration = models.PositiveSmallIntegerField(
        "valid for", default=5, validators=[MinValueValidator(1)], help_text="Ten minutes at most."
    )
    expiry_unit = models.CharField(
        "unit", max_length=3, choices=ExpiryUnit.choices, default=ExpiryUnit.MINUTES
    )
    tries = _number("tries", 5, 1, MOST_TRIES, "Checks of one code. Of four characters: 3 at most.")
    resend_after = _number(
        *("resend after, in seconds", 30, 5, 900),
        "Before a second code. It doubles with each one, up to 15 minutes.",
    )
    sends_per_destination_hour = _number(
        "sends per destination and hour", 5, 1, 100, "Over all purposes."
    )
    sends_per_destination_day = _number(
        "sends per destination and day", 10, 1, 200, "Over all purposes, within 24 hours."
    )
    sends_per_ip_hour = _number(
        *("sends per IP address and hour", 20, 1, 100_000),
        "Of the end user's IP address, which the caller passes on.",
    )
    sends_per_prefix_hour = _number(
        *("sends per prefix and hour", 30, 1, 1_000_000),
        "SMS to numbers that differ in their last four digits only.",
    )
    failures_per_destination_day = _number(
        *("wrong codes per destination and day", 20, 1, 100),
        "Over all requests, within 24 hours. Of four characters: 3 at most.",
    )
    countries = models.JSONField(
        default=list,
        blank=True,
        help_text='Countries to which SMS may go, such as ["GB", "RO"]. Empty: only the country '
        "of DEFAULT_PHONE_REGION.",
    )
    conversion_floor_percent = models.PositiveSmallIntegerField(
        "conversion floor, in percent",
        default=10,
        validators=[MaxValueValidator(100)],
        help_text="A prefix of which fewer codes are entered is blocked for a day. 0: never.",
    )
    conversion_after = _number(
        *("conversion counts after", 50, 10, 100_000),
        "Sends to a prefix within 24 hours from which on its conversion is judged.",
    )
    sends_per_day = models.PositiveIntegerField(
        "sends per day",
        default=0,
        help_text="Of this purpose, within 24 hours. 0: no cap.",
    )

    sms_template = models.ForeignKey(
        "omnichannel.MessageTemplate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel_type": OtpChannel.SMS},
        verbose_name="SMS template",
        help_text="Empty: the one that came with the product.",
    )
    email_template = models.ForeignKey(
        "omnichannel.MessageTemplate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel_type": OtpChannel.EMAIL},
        verbose_name="e-mail template",
        help_text="Empty: the one that came with the product.",
    )
    sms_provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel_type": OtpChannel.SMS},
        verbose_name="SMS provider",
        help_text="Empty: the default provider of one-time passwords.",
    )
    email_provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel_type": OtpChannel.EMAIL},
        verbose_name="e-mail provider",
        help_text="Empty: the default provider of one-time passwords.",
    )
    same_code = models.BooleanField(
        "same code on both channels",
        default=False,
        help_text="Entered once, it settles both. Off: each channel gets a code of its own.",
    )
    fallback_after = models.PositiveIntegerField(
        "fall back after, in seconds",
        default=0,
        validators=[MaxValueValidator(LONGEST_SECONDS)],
        help_text="A request with a number and an e-mail address goes by SMS first, and by e-mail "
        "when no delivery report came in time or the SMS failed. 0: both are sent at once.",
    )
    webotp_domain = models.CharField(
        "WebOTP domain",
        max_length=253,
        blank=True,
        validators=[
            RegexValidator(
                r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
                "Write the domain alone, such as example.com.",
            )
        ],
        help_text="Such as example.com: SMS end with @example.com #123456, and browsers on that "
        "site offer to fill the code in. Empty: no such line.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("purpose",)
        verbose_name = "OTP configuration"
        constraints = [
            models.CheckConstraint(condition=~Q(purpose=""), name="otp_has_purpose"),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="otp_one_default",
                violation_error_message="There is a default configuration already.",
            ),
            models.CheckConstraint(
                condition=_ENDS_IN_TIME,
                name="otp_ends_in_time",
                violation_error_message="A code is valid for ten minutes at most.",
            ),
            models.CheckConstraint(
                condition=Q(tries__gte=1, tries__lte=MOST_TRIES), name="otp_few_tries"
            ),
            models.CheckConstraint(
                condition=_SHORT_IS_TIGHT,
                name="otp_short_is_tight",
                violation_error_message="A code of four characters needs at most 3 tries, and at "
                "most 3 wrong codes per destination and day.",
            ),
            models.CheckConstraint(
                condition=Q(length__in=[length for length, _ in LENGTHS]), name="otp_length"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.purpose

    @classmethod
    def defaults(cls) -> OtpConfiguration:
        """Used when nothing is stored; not saved."""
        return cls(purpose=DEFAULT_PURPOSE, name="Verification", is_default=True)

    @property
    def life(self) -> datetime.timedelta:
        """How long a code is valid."""
        seconds = 60 if self.expiry_unit == ExpiryUnit.MINUTES else 1
        return datetime.timedelta(seconds=self.expiry_duration * seconds)

    @property
    def allowed_countries(self) -> list[str]:
        return list(self.countries) or [settings.DEFAULT_PHONE_REGION]

    def clean(self) -> None:
        names = self.countries if isinstance(self.countries, list) else None
        if names is None or not set(map(str, names)) <= set(phonenumbers.SUPPORTED_REGIONS):
            text = 'Write a list of ISO country codes, such as ["GB", "RO"].'
            raise ValidationError({"countries": text})
        self._check_templates()
        version = self.sms_template.published_version if self.sms_template else None
        if self.webotp_domain and version and "webotp_domain" not in version.variables:
            text = (
                "The SMS template has no such line: let it end with "
                "@{{ webotp_domain }} #{{ code }}"
            )
            raise ValidationError({"webotp_domain": text})

    def _check_templates(self) -> None:
        chosen = {"sms_template": self.sms_template, "email_template": self.email_template}
        troubles = {name: trouble_of(one) for name, one in chosen.items() if one}
        if found := {name: text for name, text in troubles.items() if text}:
            raise ValidationError(found)
