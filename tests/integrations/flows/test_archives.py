from __future__ import annotations

import io
import zipfile

import pytest

from integrations import blobs, envelopes
from integrations.choices import Direction
from integrations.conversion.native_reading import parse_native
from integrations.delivering import deliver_due
from integrations.models import DocumentTemplate, Envelope, FolderFile, Transmission
from integrations.processing import process_due
from tests.factories_integrations import make_rule
from tests.integrations.flows.moments import NOW

pytestmark = pytest.mark.django_db
ORDER = b"""<envelope><subject>Order</subject><fields><field name="number">4711</field></fields>
</envelope>"""


@pytest.fixture
def archived(drop, house_integration):
    """The names and contents of the archive that completing an envelope makes."""

    def complete(**fields):
        integration = house_integration()
        make_rule(integration.mailbox, direction=Direction.IN, send_zip=True, **fields)
        drop(b"hello", "orders.txt")
        process_due(NOW)
        deliver_due(NOW)
        envelopes.complete(Envelope.objects.get(), by="ana", at=NOW)
        file = FolderFile.objects.filter(name__endswith=".zip").first()
        if file is None:
            return {}
        with zipfile.ZipFile(io.BytesIO(blobs.read(file.blob))) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    return complete


def test_completed_envelope_is_sent_as_an_archive(archived):
    found = archived()

    assert found["documents/001-orders.txt"] == b"hello"
    assert parse_native(found["envelope.xml"])[0].subject == "orders.txt"
    assert b"sent" in found["audit.json"]
    assert {"certificate.json", "summary.txt"} <= set(found)


def test_archive_lacks_what_the_rule_leaves_out(archived):
    found = archived(zip_exclude="cpa")

    assert set(found) == {"envelope.xml", "documents/001-orders.txt"}


def test_attributes_of_a_rule_go_with_its_file(drop, house_integration):
    integration = house_integration()
    make_rule(
        integration.mailbox,
        direction=Direction.IN,
        attributes={"Priority": "high", "Number": "/envelope/fields/field[@name='number']"},
    )
    drop(ORDER, "order.xml", "outbox")
    process_due(NOW)

    deliver_due(NOW)

    sent = Transmission.objects.get(integration=integration)
    assert sent.attributes == {"Priority": "high", "Number": "4711"}


def test_field_that_the_template_needs_must_be_there(drop, partner, account):
    template = DocumentTemplate.objects.create(account=account, name="Order")
    fields = [{"name": "buyer", "type": "text", "required": True}]
    version = template.versions.create(number=1, fields=fields)
    make_rule(partner.mailbox, template_version=version)
    row = drop(ORDER, "order.xml")

    process_due(NOW)

    row.refresh_from_db()
    assert row.error_code == "field"
    assert "needs the field buyer" in row.error_text
