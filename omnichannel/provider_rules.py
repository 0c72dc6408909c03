"""What a provider and what leads to it must fulfil. All raise ValidationError with what to mend."""

from __future__ import annotations

import datetime
import re

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from omnichannel.addresses import clean_address
from omnichannel.backends.base import Backend
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider

MAX_DAYS = 3650  # ten years; the calendar ends before the longest number does
SHORTEST_WAIT = datetime.timedelta(seconds=1)
LONGEST_WAIT = datetime.timedelta(days=7)
CARRIER = "the Bus Communication Channel"
EQUAL_ENDS = "Interval Min and Interval Max are equal: leave both empty to send all day."

is_web_address = URLValidator(schemes=["http", "https"])


def one_line(text: str) -> None:
    if any(char in text for char in "\r\n\0"):
        raise ValidationError("A line break is not allowed here.", "line_break")


def check_service_url(url: str) -> None:
    if "@" in url.partition("//")[2].partition("/")[0]:
        raise ValidationError("Leave user and password out: they have fields of their own.")


def check_days(days: int | None) -> None:
    if days is not None and days > MAX_DAYS:
        raise ValidationError(f"Write at most {MAX_DAYS}, or leave it empty: never.")


def check_wait(wait: datetime.timedelta) -> None:
    if not SHORTEST_WAIT <= wait <= LONGEST_WAIT:
        raise ValidationError("Write HH:MM:SS, between one second and seven days.")


def check_sender(channel_type: str, address: str) -> str:
    """A sender's address in stored form; for SMS a short sender name is one too."""
    address = address.strip()
    one_line(address)
    if address and channel_type == ChannelType.EMAIL:
        try:
            return clean_address(channel_type, address)
        except InvalidMessage as error:
            raise ValidationError(str(error)) from error
    return address


def check_sends(backend: type[Backend], channel_type: str) -> None:
    if channel_type not in backend.channel_types:
        served = ", ".join(ChannelType(each).label for each in backend.channel_types)
        raise ValidationError(f"{backend.label} sends {served} only: choose another type.")


def check_free(provider: ChannelProvider) -> None:
    """Its channel may change only while nothing leads to it."""
    if provider.pk and (provider.routes.exists() or provider.channels.exists()):
        raise ValidationError("Channels or default providers use this provider: change them first.")


def check_carries(provider: ChannelProvider, channel_type: str, wanted: str) -> None:
    """`wanted` names, in a sentence, whose provider it must be."""
    if provider.channel_type != channel_type:
        sends = provider.get_channel_type_display()
        raise ValidationError(f"{provider} sends {sends}: choose a provider of {wanted}.")


def check_prefix(prefix: str) -> str:
    prefix = prefix.strip()
    if prefix and not re.fullmatch(r"\+[1-9]\d{0,6}", prefix):
        raise ValidationError("Write a plus sign and digits, such as +44.")
    return prefix
