from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from integrations import as2_pairs, certificates
from integrations.exceptions import As2Refused
from integrations.models import EnvelopeEvent
from tests.factories_integrations import make_as2
from tests.integrations.as2.rows import key_of, make_connection, pem_of
from tests.integrations.as2.stations import AT, pair

DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch):
    monkeypatch.setattr(certificates, "BITS", 1024)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_an_uploaded_certificate_is_read_in_both_forms(encoding):
    data = pair("acme").certificate.public_bytes(encoding)

    found = certificates.parse(data)

    assert found.pem == pem_of(pair("acme"))
    assert found.subject == "CN=acme"
    assert len(found.fingerprint) == 32 * 3 - 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no certificate"),
        (b"hello", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nxyz\n-----END CERTIFICATE-----", "no certificate"),
        (b"-----BEGIN PRIVATE KEY-----", "private key"),
    ],
)
def test_what_is_no_certificate_is_refused_with_what_to_do(data, text):
    with pytest.raises(As2Refused, match=text):
        certificates.parse(data)


def test_a_file_with_two_certificates_is_refused():
    data = (pem_of(pair("acme")) + pem_of(pair("studio"))).encode()

    with pytest.raises(As2Refused, match="several"):
        certificates.parse(data)


@pytest.mark.django_db
def test_the_first_key_and_certificate_are_made_once():
    as2 = make_as2()

    assert certificates.ensure(as2, at=AT)
    assert not certificates.ensure(as2, at=AT)

    as2.refresh_from_db()
    made = x509.load_pem_x509_certificate(as2.self_certificate.encode())
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.key_encipherment
    assert made.not_valid_after_utc == AT + datetime.timedelta(days=730)
    assert as2_pairs.station(as2, AT).keys[0].certificate == made
    assert EnvelopeEvent.objects.filter(operation="certificate").count() == 1


def test_the_usual_key_has_3072_bits(monkeypatch):
    monkeypatch.undo()

    assert certificates.BITS == 3072


@pytest.mark.django_db
def test_a_renewed_certificate_signs_from_its_date_on_and_both_open():
    as2 = make_connection()
    certificates.renew(as2, at=AT)

    before = as2_pairs.station(as2, AT + 13 * DAY)
    after = as2_pairs.station(as2, AT + 15 * DAY)

    assert before.keys[0].certificate == pair("studio").certificate
    assert after.keys == before.keys[::-1]


@pytest.mark.django_db
def test_a_second_renewal_waits_for_the_first():
    as2 = make_connection()
    certificates.renew(as2, at=AT)

    with pytest.raises(As2Refused, match="switch over"):
        certificates.renew(as2, at=AT)


@pytest.mark.django_db
def test_an_operator_may_switch_over_at_once():
    as2 = make_connection()
    certificates.renew(as2, at=AT)

    certificates.switch_over(as2, at=AT)

    assert as2_pairs.station(as2, AT).keys[0].certificate != pair("studio").certificate


@pytest.mark.django_db
def test_the_old_certificate_goes_two_weeks_after_the_switch():
    as2 = make_connection()
    certificates.renew(as2, at=AT)
    following = as2.next_certificate

    assert certificates.finish_renewals(AT + 27 * DAY) == 0
    assert certificates.finish_renewals(AT + 28 * DAY) == 1

    as2.refresh_from_db()
    assert (as2.self_certificate, as2.next_certificate, as2.switch_at) == (following, "", None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("left", "told"), [(30.5, 1), (29, 0), (7.1, 1), (1.5, 1), (0.5, 1), (-1, 0)]
)
def test_an_expiring_certificate_is_told_of_on_some_days(left, told):
    make_connection(recipient_certificate=pem_of(pair("short-lived", days=100)))
    ends = pair("short-lived", days=100).certificate.not_valid_after_utc

    found = list(certificates.expiring(ends - left * DAY))

    assert [each.which for each in found] == ["partner's AS2 certificate"] * told


@pytest.mark.django_db
def test_a_certificate_whose_next_one_is_there_is_not_told_of():
    make_connection(
        recipient_certificate=pem_of(pair("short-lived", days=100)),
        recipient_certificate_next=pem_of(pair("acme")),
    )
    ends = pair("short-lived", days=100).certificate.not_valid_after_utc

    assert not list(certificates.expiring(ends - 7 * DAY))


@pytest.mark.django_db
def test_a_private_key_is_not_readable_in_the_database():
    as2 = make_connection()
    table = type(as2).objects.filter(pk=as2.pk).extra(select={"raw": "self_key"})

    raw = table.values_list("raw", flat=True)[0]

    assert "PRIVATE" not in str(raw)
    assert key_of(pair("studio")) not in str(raw)
