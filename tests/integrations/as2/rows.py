"""Rows for two stations that know one another, and what happens at the one that is ours."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from integrations import as2_receiving
from integrations.as2_receiving import Posted
from integrations.choices import Protocol, TransmissionStatus
from integrations.models import Transmission
from tests.factories_integrations import make_as2, make_integration, make_transmission
from tests.integrations.as2.stations import AT, pair

URL = "http://127.0.0.1:65529/as2"  # where nobody is


def pem_of(key_pair):
    return key_pair.certificate.public_bytes(Encoding.PEM).decode()


def key_of(key_pair):
    private = key_pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode()


def make_connection(active=True, **fields):
    """STUDIO is ours, ACME the partner's."""
    integration = fields.pop("integration", None)
    integration = integration or make_integration(protocol=Protocol.AS2, active=active)
    defaults = {
        "self_id": "STUDIO",
        "self_certificate": pem_of(pair("studio")),
        "self_key": key_of(pair("studio")),
        "recipient_id": "ACME",
        "recipient_certificate": pem_of(pair("acme")),
        "recipient_url": URL,
    }
    return make_as2(integration, **{**defaults, **fields})


def post(as2, headers, body, *, at=AT, token=None, size=None, ip="192.0.2.7"):
    """A message comes to our station."""
    lower = {name.lower(): value for name, value in headers.items()}
    posted = Posted(
        token=token or as2.token,
        headers=lower,
        size=len(body) if size is None else size,
        read=lambda most: body[:most],
        ip=ip,
    )
    return as2_receiving.receive(posted, at=at)


def make_outgoing(as2, data=b"hello", **fields):
    defaults = {
        "is_incoming": False,
        "protocol": Protocol.AS2,
        "filename": "invoice.edi",
        "content_type": "application/EDIFACT",
        "status": TransmissionStatus.QUEUED,
    }
    return make_transmission(as2.integration, data, **{**defaults, **fields})


def incoming():
    return Transmission.objects.filter(is_incoming=True)
