"""Short links in an SMS: each web address in its text becomes PUBLIC_URL/s/ and twelve letters.

The letters hold the message's id, the number of the link in it and 35 bits of an HMAC: nothing is
stored, the target is found by rendering the message again. Whoever tries letters by chance meets
one link of one message in 34 billion tries, each refused before the database is asked. Only
letters and digits: a phone may leave a "-" at the end out of the link.
"""

from __future__ import annotations

import dataclasses
import hmac
import itertools
import re
import string
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings

from omnichannel import links, rendering
from omnichannel.choices import Category, ChannelType
from omnichannel.claimed import AnyMessage
from omnichannel.links import key_of, public_url
from omnichannel.models import TemplateVersion
from omnichannel.rendering.links import LONGEST_TARGET, web_address

PURPOSE = "short"
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
VALUES = {letter: value for value, letter in enumerate(LETTERS)}
LENGTH = 12
ID_BITS, NUMBER_BITS, MAC_BITS = 33, 3, 35  # 71: what twelve letters hold
MOST = 1 << NUMBER_BITS  # links of a message; what comes behind them is left as it is
SHAPE = re.compile(f"[0-9A-Za-z]{{{LENGTH}}}")
IN_TEXT = re.compile(f"/s/([0-9A-Za-z]{{{LENGTH}}})(?![0-9A-Za-z])")
SAMPLE = "x" * LENGTH  # in a preview: leads nowhere, and takes as much room
ADDRESS = re.compile(r"(?<![A-Za-z0-9_])https?://[^\s<>\"“”]++", re.IGNORECASE)
AFTER = ".,;:!?'\u2019»…"  # of the sentence, when the address ends with it
BRACKETS = {")": "(", "]": "[", "}": "{"}


class Meant(NamedTuple):
    message: int
    number: int


def token(message: int, number: int) -> str:
    """For the link with this number (from 1) in the message. Both must be `is_possible`."""
    data = message << NUMBER_BITS | number - 1
    value = data << MAC_BITS | _mac(settings.SECRET_KEY, data)
    letters = []
    for _ in range(LENGTH):
        value, rest = divmod(value, len(LETTERS))
        letters.append(LETTERS[rest])
    return "".join(reversed(letters))


def harmless(text: str) -> str:
    """A message for the eyes of others: none of its links that count leads to its target."""

    def replaced(found: re.Match[str]) -> str:
        return found[0] if read(found[1]) is None else f"/s/{SAMPLE}"

    return IN_TEXT.sub(replaced, links.harmless(text))


def is_possible(message: int, number: int) -> bool:
    return 0 <= message < 1 << ID_BITS and 1 <= number <= MOST


def read(text: str) -> Meant | None:
    """What a token of ours names; None for any other text. As with `links.read`, an older key
    counts while SECRET_KEY_FALLBACKS names it.
    """
    if not SHAPE.fullmatch(text):
        return None
    value = 0
    for letter in text:
        value = value * len(LETTERS) + VALUES[letter]
    data, given = value >> MAC_BITS, value & (1 << MAC_BITS) - 1
    if data >> ID_BITS + NUMBER_BITS:
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(_bytes(_mac(secret, data)), _bytes(given)):
            return Meant(data >> NUMBER_BITS, (data & (1 << NUMBER_BITS) - 1) + 1)
    return None


def as_sent(message: AnyMessage, rendered: rendering.Rendered) -> rendering.Rendered:
    """With short links, where the message's template wants them.

    A one-time password's links are nobody else's to follow.
    """
    if message.pk is None or not _is_short(message):
        return rendered
    text = _with(rendered.text, lambda number: _url(message.pk, number))
    return dataclasses.replace(rendered, text=text, text_pieces=())


def sample(version: TemplateVersion, text: str) -> str:
    """As long as the version's text becomes with short links."""
    if not version.url_shorten:
        return text
    return _with(text, lambda number: f"{public_url()}/s/{SAMPLE}")


def target(message: AnyMessage, number: int) -> str:
    """Where the link leads in the message; empty when it has no such link. Raises TemplateError."""
    if not _is_short(message):
        return ""
    found = _addresses(rendering.render_message(message).text)
    return found[number - 1] if number <= len(found) else ""


def _is_short(message: AnyMessage) -> bool:
    version = message.template_version
    return (
        version is not None
        and version.url_shorten
        and message.category != Category.OTP
        and message.provider.channel_type == ChannelType.SMS
    )


def _url(message: int, number: int) -> str:
    if not is_possible(message, number):
        return ""
    return f"{public_url()}/s/{token(message, number)}"


def _with(text: str, url: Callable[[int], str]) -> str:
    """The text with `url(number)` for each address; with the address where that is empty."""
    numbers = itertools.count(1)

    def changed(found: re.Match[str]) -> str:
        number = next(numbers)
        address, rest = _split(found[0])
        short = url(number) if address else ""
        return (short or address) + rest

    return ADDRESS.sub(changed, text, count=MOST)


def _addresses(text: str) -> list[str]:
    """By their numbers: empty for one that is left as it is."""
    return [_split(match[0])[0] for match in itertools.islice(ADDRESS.finditer(text), MOST)]


def _split(text: str) -> tuple[str, str]:
    """(the address, what stands behind it); no address when it is not to be followed.

    Our own pages are left as they are: to unsubscribe is no click.
    """
    if len(text) > LONGEST_TARGET:
        return "", text
    opened = {closing for closing, opening in BRACKETS.items() if opening in text}
    end = len(text)
    while text[end - 1] in AFTER or text[end - 1] in BRACKETS.keys() - opened:
        end -= 1
    address = web_address(text[:end])
    if not address or address.startswith(f"{public_url()}/"):
        return "", text
    return address, text[end:]


def _mac(secret: str, data: int) -> int:
    mac = hmac.digest(key_of(secret, PURPOSE), data.to_bytes(8, "big"), "sha256")
    return int.from_bytes(mac[:8], "big") >> 64 - MAC_BITS


def _bytes(mac: int) -> bytes:
    return mac.to_bytes(8, "big")
