"""Where a code goes to: in stored form, with what the guard needs to know of it."""

from __future__ import annotations

from typing import NamedTuple

import phonenumbers
from django.conf import settings
from phonenumbers import PhoneNumberType

from omnichannel.addresses import clean_email, clean_phone
from omnichannel.exceptions import InvalidMessage
from otp.choices import OtpChannel

LONGEST = 320
# Whoever calls or writes to these pays, and somebody else earns.
EXPENSIVE = (
    *(PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN),
    PhoneNumberType.PERSONAL_NUMBER,  # forwarded at any price, such as +44 70
    PhoneNumberType.PAGER,
)
# Reserved for fiction and tests, so in no list of ranges: the country of each is known.
RESERVED = (("+447700900", "GB"),)
OPEN_DIGITS = 4  # of a number, those that its prefix leaves out


class Destination(NamedTuple):
    channel: str
    address: str
    prefix: str
    country: str = ""  # ISO 3166; empty of an e-mail address, and of a number of no country
    is_expensive: bool = False

    @property
    def masked(self) -> str:
        """Its owner knows it again, and nobody else learns it."""
        if self.channel == OtpChannel.SMS:
            return f"{self.address[:2]}{'*' * (len(self.address) - 4)}{self.address[-2:]}"
        local, _, domain = self.address.rpartition("@")
        return f"{local[:1]}***@{domain}"

    @property
    def mailbox(self) -> str:
        return mailbox(self.address)

    @property
    def beginnings(self) -> list[str]:
        """Every prefix that a block of this destination may have."""
        if self.channel == OtpChannel.SMS:
            return [self.address[:end] for end in range(2, len(self.address) + 1)]
        labels = self.prefix.split(".")
        return [".".join(labels[start:]) for start in range(len(labels))]


def mailbox(address: str) -> str:
    """What limits count by: behind a plus anybody may write anything, and all of it arrives."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}" if at else address


def of(channel: str, text: str) -> Destination:
    """Raises InvalidMessage."""
    if not isinstance(text, str) or len(text) > LONGEST or not text.isprintable():
        raise InvalidMessage("This is no address: write it anew.")
    return _number(text) if channel == OtpChannel.SMS else _mail(text)


def _number(text: str) -> Destination:
    address = clean_phone(text.strip(), settings.DEFAULT_PHONE_REGION)
    number = phonenumbers.parse(address)
    country = phonenumbers.region_code_for_number(number) or _country_of_unknown(address, number)
    return Destination(
        OtpChannel.SMS,
        address,
        address[:-OPEN_DIGITS],
        country if len(country) == 2 else "",
        phonenumbers.number_type(number) in EXPENSIVE,
    )


def _country_of_unknown(address: str, number: phonenumbers.PhoneNumber) -> str:
    """Of a range that is in no list: its country's, unless several share the country code."""
    for beginning, country in RESERVED:
        if address.startswith(beginning):
            return country
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    return regions[0] if len(regions) == 1 else ""


def _mail(text: str) -> Destination:
    address = clean_email(text).lower()
    return Destination(OtpChannel.EMAIL, address, address.rpartition("@")[2][:255])
