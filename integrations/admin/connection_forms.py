"""The fields of a connection on the page of its integration: `sftp_...` and `as2_...`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from django import forms
from django.core.exceptions import ValidationError

from integrations import as2_line, certificates
from integrations.choices import Encryption, Protocol, Signing
from integrations.exceptions import IntegrationError
from integrations.models import As2Connection, Integration, SftpConnection
from integrations.protocols.as2.names import write_as2_name
from omnichannel.admin.base import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.backends.outside import AddressRefused

MODELS: dict[str, type[SftpConnection | As2Connection]] = {
    Protocol.SFTP: SftpConnection,
    Protocol.AS2: As2Connection,
}
COLUMNS = {
    Protocol.SFTP: (
        *("authorized_keys", "allowed_networks"),
        *("max_file_mb", "quota_mb", "max_sessions"),
    ),
    Protocol.AS2: (
        *("self_id", "recipient_url", "recipient_id", "recipient_email"),
        *("recipient_certificate", "recipient_certificate_next"),
        *("encryption", "signing", "compress", "allow_legacy"),
        *("require_signed", "require_encrypted", "mdn_mode", "mdn_signed"),
        *("content_type", "subject", "http_user", "verify_tls"),
        *("timeout_s", "max_attempts", "max_mb"),
    ),
}
OLD = {"encryption": Encryption.TRIPLE_DES, "signing": Signing.SHA1}
LEGACY = "Both are broken: whoever listens may forge or read. Only for a partner that has no other."
CERTIFICATES = ("recipient_certificate", "recipient_certificate_next")
MOST_KEYS = 20
MAX_CERTIFICATE = 64 * 1024


def fields_of(admin: Any, request: Any) -> dict[str, forms.Field]:
    """All form fields by name, made as the admin makes those of its own model."""
    found: dict[str, forms.Field] = {}
    for protocol, names in COLUMNS.items():
        for name in names:
            column = MODELS[protocol]._meta.get_field(name)
            field = admin.formfield_for_dbfield(column, request)
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs.update(rows=4, spellcheck="false")
            found[f"{protocol}_{name}"] = field
    found["as2_allow_legacy"].help_text = LEGACY
    return {**found, **_extra()}


def _extra() -> dict[str, forms.Field]:
    files = {
        f"as2_{name}_file": forms.FileField(
            label="or upload it",
            required=False,
            widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".pem,.cer,.crt,.der"}),
            help_text=".pem, .cer, .crt or .der. Without the private key.",
        )
        for name in CERTIFICATES
    }
    return {
        **files,
        "as2_new_http_password": forms.CharField(
            label="HTTP password",
            required=False,
            max_length=200,
            strip=False,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
            help_text="It is never shown again. Empty: the one that is kept stays.",
        ),
        "as2_clear_http_password": forms.BooleanField(
            label="Forget the HTTP password",
            required=False,
            widget=UnfoldBooleanSwitchWidget(),
        ),
    }


def connection_of(integration: Integration, protocol: str) -> SftpConnection | As2Connection:
    """The stored one, or one with the usual values."""
    model = MODELS[protocol]
    row = model._default_manager.filter(integration=integration.pk).first()
    return row or model(integration=integration)


def put(connection: SftpConnection | As2Connection, protocol: str, data: dict[str, Any]) -> None:
    """Write the form's values into the row."""
    for name in COLUMNS[Protocol(protocol)]:
        if f"{protocol}_{name}" in data:
            setattr(connection, name, data[f"{protocol}_{name}"])
    if not isinstance(connection, As2Connection):
        return
    if data.get("as2_clear_http_password"):
        connection.http_password = ""
    elif data.get("as2_new_http_password"):
        connection.http_password = data["as2_new_http_password"]


def faults(protocol: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, what to mend) of values that fit their columns and still cannot be."""
    check = _sftp_faults if protocol == Protocol.SFTP else _as2_faults
    for name, text in check(data):
        yield f"{protocol}_{name}", text


def _sftp_faults(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, data.get("sftp_allowed_networks", "").splitlines())):
        try:
            ip_network(line)
        except ValueError:
            text = f"“{line[:60]}” is no network: write 203.0.113.0/24 or 203.0.113.7."
            yield "allowed_networks", text
    lines = [line for line in data.get("sftp_authorized_keys", "").splitlines() if line.strip()]
    if len(lines) > MOST_KEYS:
        yield "authorized_keys", f"At most {MOST_KEYS} keys are kept."
    for number, line in enumerate(lines, start=1):
        try:
            load_ssh_public_key(" ".join(line.split()[:2]).encode())
        except (ValueError, UnsupportedAlgorithm):
            text = f"Line {number} is no public key: it begins with ssh-ed25519 or ssh-rsa."
            yield "authorized_keys", text


def _as2_faults(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    address = data.get("as2_recipient_url", "")
    yield from _station_faults(address, data)
    if not data.get("as2_allow_legacy"):
        for name, old in OLD.items():
            if data.get(f"as2_{name}") == old:
                yield name, "It is broken by now. Tick “Allow SHA-1 and 3DES” if you must."
    if data.get("as2_encryption") == Encryption.NONE and not address.startswith("https://"):
        yield "encryption", "Without encryption the recipient URL must begin with https."
    is_needed = data.get("as2_encryption") != Encryption.NONE and address
    if is_needed and not data.get("as2_recipient_certificate"):
        text = "The partner's certificate is needed to encrypt for it and to know its messages."
        yield "recipient_certificate", text


def _station_faults(address: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        if address:
            as2_line.check_url(address)
    except AddressRefused as error:
        said = f"Write the whole address, such as https://as2.example.com/in. {error}"
        yield "recipient_url", said
    for name in ("self_id", "recipient_id"):
        try:
            if data.get(f"as2_{name}"):
                write_as2_name(data[f"as2_{name}"])
        except IntegrationError as error:
            yield name, str(error)


def is_moved(before: As2Connection, data: dict[str, Any]) -> bool:
    """Would the password that is kept go to another host than until now?"""
    address = data.get("as2_recipient_url", before.recipient_url)
    places = [urlsplit(each)[:2] for each in (before.recipient_url, address)]
    return bool(before.http_password and before.recipient_url) and places[0] != places[1]


def read_certificate(text: str, file: Any) -> str:
    """The uploaded or else the pasted one, as PEM. Raises ValidationError."""
    if file is not None:
        if file.size > MAX_CERTIFICATE:
            raise ValidationError("It is too long for a certificate.")
        raw: bytes = file.read()
    else:
        raw = text.strip().encode()
    if not raw:
        return ""
    try:
        return certificates.parse(raw).pem
    except IntegrationError as error:
        raise ValidationError(str(error)) from error
