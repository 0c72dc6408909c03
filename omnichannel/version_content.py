"""Checks what a template's version holds beside its texts: addresses, keys, headers, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from omnichannel.addresses import clean_address, split_addresses
from omnichannel.backends.envelope import HEADER_NAME, OWN_HEADERS
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage, TemplateError
from omnichannel.models import TemplateVersion

ADDRESSES = ("static_to", "static_cc", "static_bcc")
KEYS = ("to_key", "cc_key", "bcc_key")
MAX_STATIC = 50  # addresses of one version
MAX_HEADERS = 20
MAX_HEADER = 900  # characters of a value
MAX_FILES = 20
KEY = re.compile(r"(?:event\.)?[A-Za-z_][A-Za-z0-9_]*")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# Beside what every message's head has: what proves where a mail comes from, and our own way out.
RESERVED = OWN_HEADERS | {
    "authentication-results",
    "auto-submitted",
    "dkim-signature",
    "domainkey-signature",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "received",
    "received-spf",
    "x-mailer",
}
RESERVED_BEGINNINGS = ("content-", "resent-", "arc-", "x-sg-", "x-smtpapi")


def clean(version: TemplateVersion, channel_type: str) -> None:
    """Bring it into its stored form. Raises TemplateError, whose part is the field's name."""
    _check_channel(version, channel_type)
    for name in ADDRESSES:
        setattr(version, name, _addresses(name, getattr(version, name)))
    if sum(len(split_addresses(getattr(version, name))) for name in ADDRESSES) > MAX_STATIC:
        raise fault("static_to", f"At most {MAX_STATIC} addresses beside the recipient.")
    for name in KEYS:
        setattr(version, name, _key(name, getattr(version, name)))
    version.headers = _headers(version.headers)
    _check_files(version.files)


def fault(part: str, text: str) -> TemplateError:
    error = TemplateError(text)
    error.part = part
    return error


def _check_channel(version: TemplateVersion, channel_type: str) -> None:
    if channel_type == ChannelType.EMAIL:
        return
    for name in (*ADDRESSES, "cc_key", "bcc_key", "headers", "files"):
        if getattr(version, name):
            raise fault(name, "Only e-mails have copies, headers and attachments.")


def _addresses(part: str, text: str) -> str:
    found: dict[str, str] = {}
    for address in split_addresses(text.replace(",", ";").replace("\n", ";")):
        try:
            cleaned = clean_address(ChannelType.EMAIL, address)
        except InvalidMessage as error:
            raise fault(part, str(error)) from error
        found.setdefault(cleaned.lower(), cleaned)
    return "; ".join(found.values())


def _key(part: str, text: str) -> str:
    text = text.strip()
    if text and not KEY.fullmatch(text):
        raise fault(part, f"“{text[:60]}” is not the name of a data field, such as manager_email.")
    return text


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise fault("headers", "Headers are a name and a value each.")
    if len(given) > MAX_HEADERS:
        raise fault("headers", f"At most {MAX_HEADERS} headers.")
    found: dict[str, str] = {}
    for name, value in given.items():
        name, value = str(name).strip(), str(value)
        if CONTROLS.search(value):
            raise fault("headers", f"{name}: a line break is not allowed here.")
        check_header_name(name)
        if name.lower() in {known.lower() for known in found}:
            raise fault("headers", f"{name} is there twice.")
        found[name] = _header_value(name, value.strip())
    return found


def check_header_name(name: str) -> None:
    """Raises TemplateError for what is no name, and for what the product writes itself."""
    if not HEADER_NAME.fullmatch(name) or len(name) > 76:
        raise fault("headers", f"“{name[:76]}” cannot be the name of a header.")
    if name.lower() in RESERVED or name.lower().startswith(RESERVED_BEGINNINGS):
        raise fault("headers", f"The header {name} is written by the product: leave it out.")


def _header_value(name: str, value: str) -> str:
    if not value or len(value) > MAX_HEADER:
        raise fault("headers", f"{name}: write a value of up to {MAX_HEADER} characters.")
    return value


def _check_files(files: list[dict[str, Any]]) -> None:
    if len(files) > MAX_FILES:
        raise fault("files", f"At most {MAX_FILES} attachments.")
    total = sum(file["size"] for file in files)
    if total > settings.ATTACHMENT_MAX_BYTES:
        raise fault(
            "files",
            f"The attachments are {filesizeformat(total)} together; at most "
            f"{filesizeformat(settings.ATTACHMENT_MAX_BYTES)} can be sent. Send a link instead.",
        )
