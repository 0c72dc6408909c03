"""What the page of an integration tells of its connections, to be copied and given away."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.utils import timezone

from integrations import certificates, host_key
from integrations.exceptions import IntegrationError
from integrations.models import As2Connection, Integration
from integrations.protocols.sftp import embedded

SOON = datetime.timedelta(days=30)
TYPES = {"pem": "application/x-pem-file", "cer": "application/pkix-cert"}


def sftp(row: Integration, password: str) -> dict[str, Any]:
    """`password` is the one that was made just now, or nothing."""
    try:
        connection = row.sftp
    except ObjectDoesNotExist:
        return {}
    try:
        fingerprint, trouble = host_key.fingerprint(), embedded.status().trouble
    except IntegrationError as error:
        fingerprint, trouble = "", str(error)
    return {
        "row": connection,
        "password": password,
        "lines": (
            ("Login", str(connection.login)),
            ("Host", urlsplit(settings.PUBLIC_URL).hostname or settings.SFTP_HOST),
            ("Port", str(settings.SFTP_PORT)),
            ("Host fingerprint", fingerprint),
        ),
        "trouble": trouble,
    }


def as2(row: Integration) -> dict[str, Any]:
    try:
        connection = row.as2
    except ObjectDoesNotExist:
        return {}
    base = settings.PUBLIC_URL or f"http://{settings.HOST}:{settings.PORT}"
    return {
        "row": connection,
        "lines": (
            ("Self URL", f"{base}/as2/{connection.token}"),
            ("Self ID", connection.self_id),
        ),
        "is_local": not settings.PUBLIC_URL,
        "own": _told("self", "Self certificate", connection.self_certificate),
        "next": _told("next", "Next self certificate", connection.next_certificate),
        "partner": _told("", "Recipient certificate", connection.recipient_certificate),
        "partner_next": _told(
            "", "Next recipient certificate", connection.recipient_certificate_next
        ),
    }


def _told(which: str, label: str, pem: str) -> dict[str, Any] | None:
    """Subject, fingerprint and expiry of a certificate; nothing where there is none."""
    if not pem:
        return None
    try:
        parsed = certificates.parse(pem.encode())
    except IntegrationError as error:
        return {"which": which, "label": label, "fault": str(error)}
    left = parsed.not_after - timezone.now()
    return {
        "which": which,
        "label": label,
        "subject": parsed.subject,
        "fingerprint": parsed.fingerprint,
        "expires": parsed.not_after,
        "is_over": left < datetime.timedelta(0),
        "is_soon": left < SOON,
    }


def certificate_file(connection: As2Connection, which: str, kind: str) -> HttpResponse:
    """As a download, PEM or DER."""
    stored = {"self": connection.self_certificate, "next": connection.next_certificate}
    pem = stored.get(which, "")
    if not pem or kind not in TYPES:
        raise Http404("There is no such certificate.")
    data = pem.encode()
    if kind == "cer":
        data = x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    name = "".join(char if char.isalnum() else "-" for char in connection.self_id).strip("-")
    response = HttpResponse(data, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name or "as2"}-{which}.{kind}"'
    return response
