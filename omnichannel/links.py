"""Links that lead back to us from a message: the pixel, counted links, unsubscribing.

Each carries a token: the message's id and 96 bits of an HMAC, made with a key of its own for each
purpose. So no token can be guessed, and one that opens cannot unsubscribe. A click's token also
names the template version, which outlives the message.
"""

from __future__ import annotations

import base64
import hmac
import re
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from omnichannel.claimed import AnyMessage

OPEN, CLICK, UNSUBSCRIBE = "open", "click", "unsubscribe"
ID_BYTES, MAC_BYTES = 6, 12
IDS = {OPEN: 1, CLICK: 2, UNSUBSCRIBE: 1}  # how many ids a token holds; no padding is needed
SHAPE = re.compile(r"[A-Za-z0-9_-]{24}(?:[A-Za-z0-9_-]{8})?")
PURPOSES = {"o": OPEN, "c": CLICK, "u": UNSUBSCRIBE}
IN_TEXT = re.compile(r"/(t/o|t/c|u)/([A-Za-z0-9_-]{32}|[A-Za-z0-9_-]{24})(?=[/.])")
SAMPLE = "preview"  # in place of a token: leads to a page that changes nothing
# In the variables of a message that only shows a template to its author.
TEST_SEND = {"system": {"is_test_send": True}}


class Meant(NamedTuple):
    """What a token names. `version` is 0 for a message without a template."""

    message: int
    version: int = 0


@lru_cache(maxsize=32)
def key_of(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), f"omnichannel.links.{purpose}".encode(), "sha256")


def token(purpose: str, message: int, version: int | None = None) -> str:
    """24 URL-safe characters; 32 with a version, as a click's has one."""
    data = message.to_bytes(ID_BYTES, "big")
    if version is not None:
        data += version.to_bytes(ID_BYTES, "big")
    mac = hmac.digest(key_of(settings.SECRET_KEY, purpose), data, "sha256")
    return base64.urlsafe_b64encode(data + mac[:MAC_BYTES]).decode()


def read(purpose: str, text: str) -> Meant | None:
    """What a token of ours for this purpose names; None for any other text.

    Made under an older key it still counts, as long as SECRET_KEY_FALLBACKS names that key.
    """
    if not SHAPE.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text)
    data, given = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if len(data) != IDS[purpose] * ID_BYTES:
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        mac = hmac.digest(key_of(secret, purpose), data, "sha256")[:MAC_BYTES]
        if hmac.compare_digest(mac, given):
            parts = range(0, len(data), ID_BYTES)
            return Meant(*(int.from_bytes(data[at : at + ID_BYTES], "big") for at in parts))
    return None


def harmless(text: str) -> str:
    """A message for the eyes of others: its links that count or unsubscribe lead to a preview."""

    def replaced(found: re.Match[str]) -> str:
        path, given = found.groups()
        is_ours = read(PURPOSES[path[-1]], given) is not None
        return f"/{path}/{SAMPLE}" if is_ours else found[0]

    return IN_TEXT.sub(replaced, text)


def public_url() -> str:
    """Where recipients reach us. Without PUBLIC_URL that is this machine only."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    host = "127.0.0.1" if settings.HOST.strip("0.:") == "" else settings.HOST  # of all interfaces
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def open_url(token: str) -> str:
    return f"{public_url()}/t/o/{token}.gif"


def click_url(token: str) -> str:
    """The number of a link in the template comes behind it."""
    return f"{public_url()}/t/c/{token}/"


def unsubscribe_url(message: int) -> str:
    return f"{public_url()}/u/{token(UNSUBSCRIBE, message)}/"


def system_links(message: AnyMessage | None) -> dict[str, str]:
    """`system.unsubscribe_url` and `system.preferences_url` of one message, or of a preview."""
    if message is None or message.pk is None or _is_test_send(message):
        url = f"{public_url()}/u/{SAMPLE}/"
    else:
        url = unsubscribe_url(message.pk)
    return {"unsubscribe_url": url, "preferences_url": f"{url}preferences/"}


def unsubscribe_headers(message: int) -> dict[str, str]:
    """For the button of mail programs (RFC 2369, and RFC 8058 for one click)."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(message)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _is_test_send(message: AnyMessage) -> bool:
    # No column can be reached under this name: in a template it is always our own.
    return message.variables.get("system") == TEST_SEND["system"]
